package scenarios

import (
	"fmt"
	"iter"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxProblems bounds what one file can report; another says that there are more.
const maxProblems = 1000

// A decoder fills Go values from YAML nodes and keeps every problem it meets.
// What it fills may hold values already: structs and mappings are merged into,
// never in place, so that two holders of one mapping do not disturb each other.
type decoder struct {
	src      *Source
	label    string // names a --set instead of a file; positions mean nothing then
	problems []Problem
	count    int // of problems, those beyond maxProblems too
	fields   map[reflect.Type][]field
	strange  map[*yaml.Node]bool // mappings with an unknown key, which explains what they lack
}

// A place is a value in the tree and the way to it. The way is spelt out only
// for messages, since long keys above many values would make long work.
type place struct {
	node *yaml.Node
	key  *yaml.Node // what it stands under; nil for the root and for items of lists
	up   *place     // nil for the root
	name string     // of the key
	item int        // in a list, -1 under a key
}

// A decodable type knows its own forms. decode reports whether p held one.
type decodable interface {
	decode(d *decoder, p place) bool
}

// A checker knows what its keys mean together. It is asked once they are all
// decoded; has says which are set.
type checker interface {
	check(d *decoder, p place, has func(key string) bool)
}

// inner is the place of a value under a key of the mapping at p.
func (p place) inner(node, key *yaml.Node, name string) place {
	return place{node: node, key: key, up: &p, name: name, item: -1}
}

// items are the places of a list's items.
func (p place) items() iter.Seq2[int, place] {
	return func(yield func(int, place) bool) {
		for i, node := range follow(p.node).Content {
			if !yield(i, place{node: node, up: &p, item: i}) {
				return
			}
		}
	}
}

// at is the same place, shown at another node.
func (p place) at(node *yaml.Node) place {
	p.node, p.key = node, nil
	return p
}

// path spells out the way, as Source.At reads it.
func (p place) path() string {
	switch {
	case p.up == nil:
		return ""
	case p.item >= 0:
		return fmt.Sprintf("%s[%d]", p.up.path(), p.item)
	}
	return strings.TrimPrefix(p.up.path()+"."+clip(p.name), ".")
}

// report adds a problem at a node.
func (d *decoder) report(at *yaml.Node, message, hint string) {
	d.count++
	if len(d.problems) == maxProblems {
		return
	}
	if d.label != "" {
		d.problems = append(d.problems, Problem{File: d.label, Message: message, Hint: hint})
		return
	}
	d.problems = append(d.problems, d.src.problem(d.src.position(at), message, hint))
}

// reportValue adds a problem with a value, after its path. Where the value
// spans lines it is shown at its key.
func (d *decoder) reportValue(p place, message, hint string) {
	if path := p.path(); d.label == "" && path != "" {
		message = path + ": " + message
	}
	at := p.node
	if p.key != nil && follow(at).Kind != yaml.ScalarNode {
		at = p.key
	}
	d.report(at, message, hint)
}

// reportKey is reportValue at the key.
func (d *decoder) reportKey(p place, message, hint string) {
	if p.key != nil {
		p.node = p.key
	}
	d.reportValue(p, message, hint)
}

// all returns the problems by position.
func (d *decoder) all() []Problem {
	Problems(d.problems).Sort()
	if d.count > maxProblems {
		d.problems = append(d.problems, Problem{File: d.problems[0].File, Message: "more problems are not listed"})
	}
	return d.problems
}

func (d *decoder) mismatch(p place, want string) {
	node := follow(p.node)
	hint := ""
	switch kind := scalarKind(node); {
	case strings.HasPrefix(want, "text") && kind != nothing && kind != noScalar:
		hint = fmt.Sprintf("write it in quotes: %q", clip(node.Value))
	case kind == unclear:
		hint = "write it in decimal digits alone, or in quotes where text is meant"
	case kind == nothing && p.key != nil:
		hint = "leave the key out, or give it a value"
	}
	d.reportValue(p, fmt.Sprintf("want %s, got %s", want, describe(node)), hint)
}

// decode fills what the pointer points to and reports whether all went well.
func (d *decoder) decode(p place, pointer any) bool {
	return d.value(p, reflect.ValueOf(pointer).Elem())
}

func (d *decoder) value(p place, v reflect.Value) bool {
	if u, ok := v.Addr().Interface().(decodable); ok {
		return d.tag(p) && u.decode(d, p)
	}
	if !d.tag(p) {
		return false
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.structure(p, v)
	case reflect.Pointer:
		inner := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			inner.Elem().Set(v.Elem())
		}
		ok := d.value(p, inner.Elem())
		if ok {
			v.Set(inner)
		}
		return ok
	case reflect.Slice:
		return d.list(p, v)
	case reflect.Map:
		return d.mapping(p, v)
	case reflect.Interface:
		x, ok := d.any(p, v.Interface())
		if ok && x != nil {
			v.Set(reflect.ValueOf(x))
		} else if ok {
			v.SetZero()
		}
		return ok
	}
	return d.scalar(p, v)
}

// tag refuses tags: what a value is must be seen from how it is written.
func (d *decoder) tag(p place) bool {
	n := follow(p.node)
	ok := n.Tag == "!!seq" || n.Tag == "!!map"
	if n.Kind == yaml.ScalarNode {
		ok = n.Style&yaml.TaggedStyle == 0 || n.Tag == "!!str"
	}
	if !ok {
		d.reportValue(p, fmt.Sprintf("the tag %s is not supported", clip(n.Tag)), "leave the tag out")
	}
	return ok
}

func (d *decoder) list(p place, v reflect.Value) bool {
	n := follow(p.node)
	if n.Kind != yaml.SequenceNode {
		d.mismatch(p, "a list")
		return false
	}
	items, ok := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)), true
	for i, in := range p.items() {
		ok = d.value(in, items.Index(i)) && ok
	}
	v.Set(items)
	return ok
}

// mapping fills a Go map, on a copy of what it holds.
func (d *decoder) mapping(p place, v reflect.Value) bool {
	if follow(p.node).Kind != yaml.MappingNode {
		d.mismatch(p, "a mapping")
		return false
	}
	m := reflect.MakeMap(v.Type())
	for it := v.MapRange(); it.Next(); {
		m.SetMapIndex(it.Key(), it.Value())
	}
	ok := true
	for name, inner := range d.pairs(p, &ok) {
		elem, key := reflect.New(v.Type().Elem()).Elem(), reflect.ValueOf(name)
		if old := m.MapIndex(key); old.IsValid() {
			elem.Set(old)
		}
		ok = d.value(inner, elem) && ok
		m.SetMapIndex(key, elem)
	}
	v.Set(m)
	return ok
}
