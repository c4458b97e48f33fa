package scenarios

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// pairs ranges over the keys of a mapping that are good, with their values;
// for the others it reports why not, and sets ok to false.
func (d *decoder) pairs(p place, ok *bool) iter.Seq2[string, place] {
	return func(yield func(string, place) bool) {
		n := follow(p.node)
		first := make(map[string]*yaml.Node, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			name, good := d.key(key)
			if !good {
				*ok = false
				continue
			}
			if before, twice := first[name]; twice {
				d.report(key, fmt.Sprintf("the key %q stands here twice", clip(name)), fmt.Sprintf("first on line %d", before.Line))
				*ok = false
				continue
			}
			first[name] = key
			if !yield(name, p.inner(n.Content[i+1], key, name)) {
				return
			}
		}
	}
}

// key returns the text of a mapping's key.
func (d *decoder) key(key *yaml.Node) (string, bool) {
	n := follow(key)
	switch kind := scalarKind(n); {
	case n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str":
		d.report(key, fmt.Sprintf("the tag %s is not supported", clip(n.Tag)), "leave the tag out")
	case n.Tag == "!!merge" && n.Kind == yaml.ScalarNode:
		d.report(key, "merge keys are not supported", "write the keys out, or use an alias for a whole value")
	case kind != text && n.Kind == yaml.ScalarNode && n.Value != "":
		d.report(key, "want text as a key, got "+describe(n), fmt.Sprintf("write it in quotes: %q", clip(n.Value)))
	case kind != text:
		d.report(key, "want text as a key, got "+describe(n), "")
	case strings.ContainsRune(n.Value, 0):
		d.report(key, "the key holds a NUL character", "")
	default:
		return n.Value, true
	}
	return "", false
}

// structure fills a struct: no key unknown, none missing, none twice.
func (d *decoder) structure(p place, v reflect.Value) bool {
	if follow(p.node).Kind != yaml.MappingNode {
		d.mismatch(p, "a mapping")
		return false
	}
	fields, ok := d.fieldsOf(v.Type()), true
	set := map[string]bool{}
	for _, f := range fields {
		set[f.name] = !v.FieldByIndex(f.index).IsZero()
	}
	for name, inner := range d.pairs(p, &ok) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			d.unknown(p, inner, name, fields)
			ok = false
			continue
		}
		f := fields[i]
		set[name] = true
		elem := v.FieldByIndex(f.index)
		ok = d.value(inner, elem) && d.constrain(inner, f, elem) && ok
		ok = d.constrainKeys(inner, f) && ok
	}
	for _, f := range fields {
		if f.required && !set[f.name] {
			d.reportValue(p, fmt.Sprintf("the key %q is missing", f.name), "")
			ok = false
		}
	}
	if c, is := v.Addr().Interface().(checker); is {
		before := d.count
		c.check(d, p, func(key string) bool { return set[key] })
		ok = ok && d.count == before
	}
	return ok
}

func (d *decoder) fieldsOf(t reflect.Type) []field {
	if d.fields == nil {
		d.fields = map[reflect.Type][]field{}
	}
	if _, ok := d.fields[t]; !ok {
		d.fields[t] = fieldsOf(t)
	}
	return d.fields[t]
}

// unknown reports a key that a struct does not have.
func (d *decoder) unknown(p, inner place, name string, fields []field) {
	if d.strange == nil {
		d.strange = map[*yaml.Node]bool{}
	}
	d.strange[follow(p.node)] = true
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.name
	}
	d.reportValue(p.at(inner.key), fmt.Sprintf("unknown key %q", clip(name)), suggest(name, "the keys here", known))
}

// constrain holds a decoded value against its field's tags.
func (d *decoder) constrain(p place, f field, v reflect.Value) bool {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	before := d.count
	if f.nonempty && v.Len() == 0 {
		want := "want at least one item"
		if v.Kind() == reflect.String {
			want = "want at least one character"
		}
		d.reportValue(p, want, "")
	}
	if v.Kind() == reflect.Int && f.min != nil && v.Int() < *f.min {
		d.reportValue(p, fmt.Sprintf("want at least %d, got %d", *f.min, v.Int()), "")
	}
	if v.Kind() == reflect.Int && f.max != nil && v.Int() > *f.max {
		d.reportValue(p, fmt.Sprintf("want at most %d, got %d", *f.max, v.Int()), "")
	}
	if len(f.enum) > 0 && !slices.Contains(f.enum, v.String()) {
		d.reportValue(p, fmt.Sprintf("unknown value %q", clip(v.String())), suggest(v.String(), "what it may be", f.enum))
	}
	return d.count == before
}

// constrainKeys holds a mapping's keys against those there are.
func (d *decoder) constrainKeys(p place, f field) bool {
	ok := true
	for _, in := range p.members() {
		name := follow(in.key).Value
		if len(f.keys) == 0 || slices.Contains(f.keys, name) {
			continue
		}
		d.reportValue(p.at(in.key), fmt.Sprintf("unknown key %q", clip(name)), suggest(name, "the keys here", f.keys))
		ok = false
	}
	return ok
}
