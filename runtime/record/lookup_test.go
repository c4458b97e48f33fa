package record

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

func TestLookup(t *testing.T) {
	const doc = `{"a":{"b":[1,{"c":"x,}\"y"},[]],"n":null,"":0},"d":"e","a\u0062":true,"twice":1,"twice":2,"e":{},"f":[]}`
	for path, want := range map[string]string{
		"":           doc,
		"a.b":        `[1,{"c":"x,}\"y"},[]]`,
		"a.b.0":      `1`,
		"a.b.1.c":    `"x,}\"y"`,
		"a.b.2":      `[]`,
		"a.b.2.0":    "",
		"a.b.3":      "",
		"a.b.-1":     "",
		"a.b.c":      "",
		"a.n":        "null",
		"a.n.x":      "",
		"ab":         "true",
		"d":          `"e"`,
		"d.e":        "",
		"twice":      "2",
		"e.x":        "",
		"f.0":        "",
		"g":          "",
		"a.b.1.c.x":  "",
		"twice.more": "",
	} {
		var keys []string
		if path != "" {
			keys = strings.Split(path, ".")
		}
		got, ok := Lookup([]byte(doc), keys)
		if string(got) != want || ok != (want != "") {
			t.Errorf("%q: %s, %t; want %s", path, got, ok, want)
		}
	}
}

// FuzzLookup holds it against encoding/json.
func FuzzLookup(f *testing.F) {
	f.Add(`{"a":{"b":[1,{"c":"x"}]},"a":{"b":[2,{"c":"\"y]"}]}}`, "a.b.1.c")
	f.Add(`[[],{},"",null,-1e5,[[7]]]`, "5.0.0")
	f.Fuzz(func(t *testing.T, text, path string) {
		b, err := agent.Compact(nil, []byte(text))
		if err != nil {
			return
		}
		keys := strings.Split(path, ".")
		got, ok := Lookup(b, keys)
		want := plainLookup(b, keys)
		if ok != (want != nil) || string(got) != string(want) {
			t.Errorf("%q in %s: %s, want %s", path, b, got, want)
		}
	})
}

func plainLookup(value []byte, path []string) []byte {
	for _, key := range path {
		switch value[0] {
		case '[':
			var list []json.RawMessage
			i, err := strconv.Atoi(key)
			if err != nil || json.Unmarshal(value, &list) != nil || i < 0 || i >= len(list) {
				return nil
			}
			value = list[i]
		case '{':
			var object map[string]json.RawMessage
			if json.Unmarshal(value, &object) != nil || object[key] == nil {
				return nil
			}
			value = object[key]
		default:
			return nil
		}
	}
	return value
}
