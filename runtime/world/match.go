package world

import "strings"

// match says whether a pattern of agent ids covers id: a * stands for any
// bytes, none included, everything else for itself.
func match(pattern, id string) bool {
	prefix, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == id
	}
	if !strings.HasPrefix(id, prefix) {
		return false
	}
	id = id[len(prefix):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(id, part)
		}
		at := strings.Index(id, part)
		if at < 0 {
			return false
		}
		id, rest = id[at+len(part):], after
	}
}

// matchAny says whether one of the patterns covers id.
func matchAny(patterns []string, id string) bool {
	for _, pattern := range patterns {
		if match(pattern, id) {
			return true
		}
	}
	return false
}
