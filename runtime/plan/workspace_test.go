package plan

import "testing"

func TestEscapes(t *testing.T) {
	for _, c := range []struct {
		link, target string
		want         bool
	}{
		{"a", "b", false},
		{"a", "deep/../b", true}, // deep may be a link to here
		{"deep/a", "../b", false},
		{"deep/a", "..", false},
		{"deep/a", ".//.././b/c/", false},
		{"a", ".", false},
		{"a", "..", true},
		{"a", "../b", true},
		{"deep/a", "../../b", true},
		{"deep/a", "x/../../../deep/b", true},
		{"a", "/etc/passwd", true},
		{"a", "..b/c", false},
	} {
		if got := Escapes(c.link, c.target); got != c.want {
			t.Errorf("%s -> %s: got %t", c.link, c.target, got)
		}
	}
}
