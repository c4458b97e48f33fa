package scenarios

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, id string
		want        bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"", "", true}, {"", "a", false},
		{"*", "", true}, {"*", "abc", true}, {"**", "abc", true}, {"?", "a", true}, {"?", "", false}, {"?", "ab", false},
		{"wolf-*", "wolf-1", true}, {"wolf-*", "wolf-", true}, {"wolf-*", "wolf", false},
		{"*-1", "a-1-1", true}, {"*-1", "a-1-2", false}, {"a*b*c", "a-b-b-c", true}, {"a*b*c", "a-c-b", false},
		{"a?c*", "abc", true}, {"[ab]", "a", false}, {"a.b", "axb", false},
		{strings.Repeat("*a", 30) + "b", strings.Repeat("a", 64), false},
	}
	for _, tt := range tests {
		if got := Match(tt.pattern, tt.id); got != tt.want {
			t.Errorf("Match(%q, %q) = %v", tt.pattern, tt.id, got)
		}
	}
}

func TestValidID(t *testing.T) {
	for _, id := range []string{"a", "tit-for-tat", "Cell_9801", "-", strings.Repeat("x", 64)} {
		if err := ValidID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	const want = ": an id is 1 to 64 characters of A-Z a-z 0-9 _ -"
	for id, message := range map[string]string{
		"":                      "cannot use an empty id",
		"a.b":                   `cannot use "a.b" as an id because of '.'`,
		"../x":                  `cannot use "../x" as an id because of '.'`,
		"a>":                    `cannot use "a>" as an id because of '>'`,
		"é":                     `cannot use "é" as an id because of 'é'`,
		"a\n":                   `cannot use "a\n" as an id because of '\n'`,
		"\xff":                  `cannot use "\xff" as an id because of '` + "\ufffd" + `'`,
		strings.Repeat("x", 65): `cannot use "` + strings.Repeat("x", 60) + `…" as an id, it has 65 characters`,
	} {
		if err := ValidID(id); err == nil || err.Error() != message+want {
			t.Errorf("%q: got %v, want %s", id, err, message+want)
		}
	}
	for id, good := range map[string]bool{"cell-{n}": true, "{name}": true, "{a}{b}": true, "{a b}": true, "a": true, "{}": false, "{": false, "}": false, "a}": false, "{{n}}": false, "é{n}": false, "": false} {
		if err := validTemplate(id); (err == nil) != good {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"command", "kind", "id"}
	for word, want := range map[string]string{
		"comand": "command", "Command": "command", "commnad": "command", "knd": "kind", "ids": "id",
		"zebra": "", "": "", strings.Repeat("command", 100): "",
	} {
		hint := "keys: command, id, kind"
		if want != "" {
			hint = `did you mean "` + want + `"? ` + hint
		}
		if got := suggest(word, "keys", known); got != hint {
			t.Errorf("suggest(%q) = %q", word, got)
		}
	}
}
