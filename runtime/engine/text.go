package engine

import "unicode/utf8"

// width is how many bytes r takes inside a JSON string, or more.
func width(r rune) int {
	switch {
	case r < 0x20:
		return 6
	case r == '"' || r == '\\':
		return 2
	}
	return utf8.RuneLen(r)
}

// quoted is how many bytes s takes as a JSON string, or more.
func quoted(s string) int {
	n := 2
	for _, r := range s {
		n += width(r)
	}
	return n
}

// cut shortens s to what takes at most limit bytes inside a JSON string.
func cut(s string, limit int) string {
	n := 0
	for i, r := range s {
		if n += width(r); n > limit {
			return s[:i]
		}
	}
	return s
}
