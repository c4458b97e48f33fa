package tree

import "testing"

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"a.md", "a.md", true},
		{"a.md", "b/a.md", false},
		{"*.md", "a.md", true},
		{"*", "a/b", true},
		{"a", "a/b/c", true},
		{"a/b", "a", false},
		{"a/**", "a/b", true},
		{"a/**", "a/b/c", true},
		{"a/**", "a", false},
		{"**", "a/b", true},
		{"**/*.md", "a.md", true},
		{"**/*.md", "x/y/a.md", true},
		{"**/*.md", "x/y/a.txt", false},
		{"a/**/z", "a/z", true},
		{"a/**/z", "a/b/c/z/d", true},
		{"a/?", "a/bc", false},
	} {
		if got := Match(c.pattern, c.path); got != c.want {
			t.Errorf("%s and %s: got %v", c.pattern, c.path, got)
		}
	}
}
