package tree

import (
	"path"
	"strings"
)

// Match says whether a pattern covers a path: each of its parts is one as
// path.Match has them, ** stands for any number of parts, and what is below a
// covered path is covered too.
func Match(pattern, name string) bool {
	return match(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func match(pattern, name []string) bool {
	for {
		switch {
		case len(pattern) == 0:
			return true
		case pattern[0] == "**":
			for i := range name {
				if len(pattern) == 1 || match(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		case len(name) == 0:
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); err != nil || !ok {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
}
