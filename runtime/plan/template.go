package plan

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/scenarios"
)

// A template is a string with {name} in it. {{name}} stands for the literal
// {name}; braces around anything that is not a name stay what they are.
type template []part

// A part is literal text, or a variable's name with text as it was written.
type part struct {
	text string
	name string
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func parseTemplate(s string) template {
	var t template
	literal := 0
	flush := func(to int) {
		if to > literal {
			t = append(t, part{text: s[literal:to]})
		}
	}
	for i := 0; i < len(s); {
		if name, ok := between(s[i:], "{{", "}}"); ok && identifier.MatchString(name) {
			flush(i)
			t = append(t, part{text: "{" + name + "}"})
			i += len(name) + 4
			literal = i
		} else if name, ok := between(s[i:], "{", "}"); ok {
			flush(i)
			t = append(t, part{text: "{" + name + "}", name: name})
			i += len(name) + 2
			literal = i
		} else {
			i++
		}
	}
	flush(len(s))
	return t
}

// between gives what stands between the brackets that s begins with, where
// that is not empty and holds no brace itself.
func between(s, open, shut string) (string, bool) {
	rest, ok := strings.CutPrefix(s, open)
	if !ok {
		return "", false
	}
	end := strings.IndexAny(rest, "{}")
	if end < 1 || !strings.HasPrefix(rest[end:], shut) {
		return "", false
	}
	return rest[:end], true
}

// names lists the variables that the template asks for, known or not.
func (t template) names() []string {
	var out []string
	for _, p := range t {
		if p.name != "" {
			out = append(out, p.name)
		}
	}
	return out
}

// fill puts in what v knows; what it does not know stays as it was written.
func (t template) fill(v vars) string {
	if len(t) == 1 && t[0].name == "" {
		return t[0].text
	}
	var b strings.Builder
	for _, p := range t {
		if value, ok := v.value(p.name); ok {
			b.WriteString(text(value))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// vars are the variables of one agent. The zero vars knows none.
type vars struct {
	n   int // the replica's or row's number, from 1; 0 where there is none
	row map[string]any
}

func (v vars) value(name string) (any, bool) {
	if name == "" {
		return nil, false
	}
	if name == "n" && v.n > 0 {
		return v.n, true
	}
	value, ok := v.row[name]
	return value, ok
}

// list names the variables for people.
func (v vars) list() string {
	var names []string
	for name := range v.row {
		names = append(names, "{"+name+"}")
	}
	if v.n > 0 {
		names = append(names, "{n}")
	}
	if len(names) == 0 {
		return "there are none here: replicas, max and for_each bring them"
	}
	sort.Strings(names)
	return "there are " + strings.Join(names, ", ")
}

// text is how a row's value looks inside a longer string.
func text(value any) string {
	switch x := value.(type) {
	case nil:
		return ""
	case string:
		return x
	case int:
		return strconv.Itoa(x)
	}
	raw, err := scenarios.JSON(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(raw)
}

// fillValue fills every string inside a decoded value. A string that is
// exactly one variable takes the variable's value with its type.
func fillValue(value any, v vars) any {
	switch x := value.(type) {
	case string:
		t := parseTemplate(x)
		if len(t) == 1 {
			if whole, ok := v.value(t[0].name); ok {
				return whole
			}
		}
		return t.fill(v)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = fillValue(x[i], v)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for key := range x {
			out[key] = fillValue(x[key], v)
		}
		return out
	}
	return value
}

// eachString calls do with every string inside a decoded value and its path
// there, such as .goods[1], in no particular order.
func eachString(value any, path string, do func(path, s string)) {
	switch x := value.(type) {
	case string:
		do(path, x)
	case []any:
		for i := range x {
			eachString(x[i], fmt.Sprintf("%s[%d]", path, i), do)
		}
	case map[string]any:
		for key := range x {
			eachString(x[key], path+"."+key, do)
		}
	}
}

// A configTemplate is an entry's config, encoded once where every agent has
// the same.
type configTemplate struct {
	value  map[string]any
	shared json.RawMessage // nil where agents differ
}

func newConfig(value map[string]any) (configTemplate, error) {
	c := configTemplate{value: value}
	braces := false
	eachString(value, "", func(_, s string) { braces = braces || strings.Contains(s, "{") })
	if braces {
		return c, nil
	}
	raw, err := canonical(value)
	c.shared = raw
	return c, err
}

func (c configTemplate) fill(v vars) (json.RawMessage, error) {
	if c.shared != nil {
		return c.shared, nil
	}
	filled, _ := fillValue(c.value, v).(map[string]any)
	return canonical(filled)
}

func canonical(value map[string]any) (json.RawMessage, error) {
	if len(value) == 0 {
		return json.RawMessage("{}"), nil
	}
	return scenarios.JSON(value)
}
