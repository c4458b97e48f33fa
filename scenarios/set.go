package scenarios

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// ParseSet splits what follows --set: path=value, the path being keys joined
// by dots, the value YAML. No key of a path holds a dot or an equals sign.
func ParseSet(s string) (path []string, value string, err error) {
	const want = "want path=value, such as world.config.turns=10"
	left, value, ok := strings.Cut(s, "=")
	if !ok {
		return nil, "", fmt.Errorf("cannot read --set %q: no equals sign: %s", clip(s), want)
	}
	path = strings.Split(left, ".")
	for _, key := range path {
		if key == "" {
			return nil, "", fmt.Errorf("cannot read --set %q: an empty key in its path: %s", clip(s), want)
		}
	}
	return path, value, nil
}

// Merge sets what stands at path, below what dst points to (a Scenario, an
// Entry or another struct of a scenario), to a value written in YAML. It is
// decoded as strictly as a file is, onto what is there: mappings are merged by
// key, everything else is replaced. at is where dst stands in the path that
// the user wrote, empty for the whole; problems name the user's --set instead
// of a file. With problems dst stays as it was. Mappings are copied before
// they change, so others who hold them see nothing of it.
func Merge(dst any, at string, path []string, value string) []Problem {
	whole := strings.Join(path, ".")
	if at != "" {
		whole = strings.TrimSuffix(at+"."+whole, ".")
	}
	d := &decoder{label: "--set " + whole + "=" + clip(value)}
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return []Problem{{File: d.label, Message: "nothing can be set here"}}
	}
	root, bad := setValue(d.label, value)
	if bad != nil {
		return []Problem{*bad}
	}
	for i := len(path) - 1; i >= 0; i-- {
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: path[i]}
		root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, root}}
	}
	result := reflect.New(v.Elem().Type())
	result.Elem().Set(v.Elem())
	d.value(place{node: root}, result.Elem())
	if len(d.problems) == 0 {
		v.Elem().Set(result.Elem())
	}
	return d.all()
}

// setValue parses the value of a --set; an empty one is null.
func setValue(label, value string) (*yaml.Node, *Problem) {
	if strings.TrimSpace(value) == "" {
		value = "null"
	}
	root, bad := parse(&Source{File: label}, []byte(value))
	if bad != nil {
		bad.Position, bad.Text = Position{}, ""
	}
	return root, bad
}
