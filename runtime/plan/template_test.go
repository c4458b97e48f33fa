package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/scenarios"
)

func TestTemplates(t *testing.T) {
	v := vars{n: 7, row: map[string]any{"name": "ann", "first name": "Ann", "x": nil, "deep": map[string]any{"b": 1, "a": "<"}}}
	for in, want := range map[string]string{
		"":                        "",
		"plain":                   "plain",
		"{n}":                     "7",
		"a-{n}-{name}":            "a-7-ann",
		"{first name}":            "Ann",
		"{{n}}":                   "{n}",
		"{{unknown}}":             "{unknown}",
		"${HOME} {unknown}":       "${HOME} {unknown}",
		"{{{n}}}":                 "{{n}}",
		`{"a":{"b":1}}`:           `{"a":{"b":1}}`,
		`{"a":"{name}"}`:          `{"a":"ann"}`,
		"{} {{}} { } } {":         "{} {{}} { } } {",
		"{n":                      "{n",
		"{x}":                     "",
		"{deep}":                  `{"a":"<","b":1}`,
		"awk '{print $1}' {name}": "awk '{print $1}' ann",
	} {
		same(t, in, parseTemplate(in).fill(v), want)
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		template, id string
		want         int
	}{
		{"a-{n}", "a-1", 1}, {"a-{n}", "a-120", 120}, {"a-{n}", "a-", 0}, {"a-{n}", "a-0", 0}, {"a-{n}", "a-01", 0},
		{"a-{n}", "a-1x", 0}, {"a-{n}", "b-1", 0}, {"{n}", "5", 5}, {"a{n}1", "a11", 1}, {"a{n}1", "a111", 11},
		{"{n}-{n}", "3-3", 3}, {"{n}-{n}", "3-4", 0}, {"a-{n}", "a-1234567890", 0}, {"a", "a", 0}, {"a-{n}", "", 0},
	} {
		n, ok := parseTemplate(c.template).number(c.id)
		same(t, c.template+" "+c.id, fmt.Sprint(n, ok), fmt.Sprint(c.want, c.want > 0))
	}
}

func TestMeets(t *testing.T) {
	for _, c := range []struct {
		pattern, template string
		want              bool
	}{
		{"*", "a-{n}", true}, {"a-*", "a-{n}", true}, {"a-9", "a-{n}", true}, {"a-09", "a-{n}", false}, {"a-0*", "a-{n}", false},
		{"a-1*0", "a-{n}", true}, {"*x", "a-{n}", false}, {"*-{n}", "a-{n}", false}, {"a-?", "a-{n}", true}, {"a?", "a-{n}", false},
		{"a-??", "a-{n}", true}, {"?-*-z", "a-{n}-z", true}, {"?-*-zz", "a-{n}-z", false}, {"", "a-{n}", false}, {"b-*", "a-{n}", false},
		{"a-5-?", "a-{n}-{n}", true}, {strings.Repeat("*", 5000) + "7", "a-{n}", true}, {strings.Repeat("?", 5000), "a-{n}", false},
	} {
		same(t, c.pattern+" "+c.template, meets(c.pattern, parseTemplate(c.template)), c.want)
	}
}

func TestMembers(t *testing.T) {
	ids := []string{"a", "a-1", "a-10", "a-2", "b", "ba"}
	for patterns, want := range map[string]string{
		"*": "a a-1 a-10 a-2 b ba", "a-*": "a-1 a-10 a-2", "?": "a b", "ba a": "a ba", "a-1* a-1": "a-1 a-10", "c": "", "": "",
	} {
		same(t, patterns, strings.Join(Members(strings.Fields(patterns), ids), " "), want)
	}
}

// FuzzMeets holds meets against trying numbers one by one.
func FuzzMeets(f *testing.F) {
	f.Add("a-1*", "a-{n}")
	f.Add("?-*9?", "b-{n}-x")
	f.Add("a*{n}", "a{n}")
	shape := regexp.MustCompile(`^[a-z0-9?*-]{0,12}$`)
	f.Fuzz(func(t *testing.T, pattern, template string) {
		id := parseTemplate(template)
		names := id.names()
		if !shape.MatchString(pattern) || len(template) > 12 || len(names) != 1 || names[0] != "n" || strings.ContainsAny(id.fill(vars{n: 1}), "{}*?") {
			return
		}
		tried := slices.ContainsFunc(numbers, func(n int) bool { return scenarios.Match(pattern, id.fill(vars{n: n})) })
		// A pattern with more than four characters may ask for a longer number.
		if got := meets(pattern, id); got != tried && (tried || len(pattern) <= 4) {
			t.Errorf("meets(%q, %q) is %v, trying numbers says %v", pattern, template, got, tried)
		}
		for _, n := range []int{1, 9, 10, 99, 12345} {
			if got, ok := id.number(id.fill(vars{n: n})); !ok || id.fill(vars{n: got}) != id.fill(vars{n: n}) {
				t.Errorf("%q does not find %d in what it gave", template, n)
			}
		}
	})
}

// numbers are all with up to four digits.
var numbers = func() (all []int) {
	for n := 1; n < 10_000; n++ {
		all = append(all, n)
	}
	return all
}()

func FuzzTemplate(f *testing.F) {
	f.Add("{{n}} {n} {name} {\"a\":{}}")
	f.Fuzz(func(t *testing.T, s string) {
		v := vars{n: 3, row: map[string]any{"name": "x"}}
		tmpl := parseTemplate(s)
		if !strings.Contains(s, "{") && tmpl.fill(v) != s {
			t.Errorf("%q became %q", s, tmpl.fill(v))
		}
		if len(tmpl.names()) == 0 && !strings.Contains(s, "{{") && tmpl.fill(v) != s {
			t.Errorf("%q without names became %q", s, tmpl.fill(v))
		}
	})
}
