package scenarios

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// An object is a JSON Schema, or a part of one.
type object = map[string]any

// A schemer is a type whose forms in YAML are not those of its Go type.
type schemer interface {
	schema(g *generator) object
}

// A generator makes schemas of types; structs go to defs.
type generator struct {
	names map[string][]string // kinds and worlds, where known
	defs  object
}

// Schema is the JSON Schema (draft 2020-12) of a scenario, made from the types
// that the decoder fills. Kinds and worlds are the names that the binary
// knows; without them any name is allowed.
func Schema(kinds, worlds []string) ([]byte, error) {
	g := &generator{names: map[string][]string{"kinds": kinds, "worlds": worlds}, defs: object{}}
	root := g.structure(reflect.TypeFor[Scenario]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Troupe scenario"
	root["$defs"] = g.defs
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot encode the schema: %w", err)
	}
	return append(data, '\n'), nil
}

// schema is that of a type as a value.
func (g *generator) schema(t reflect.Type) object {
	if s, ok := reflect.New(t).Interface().(schemer); ok {
		return s.schema(g)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.schema(t.Elem())
	case reflect.Struct:
		return g.ref(t)
	case reflect.Slice:
		return object{"type": "array", "items": g.schema(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": g.schema(t.Elem())}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Uint64:
		return object{"type": "integer", "minimum": 0, "maximum": json.Number("18446744073709551615")}
	case reflect.Int:
		return object{"type": "integer"}
	}
	return object{} // any value
}

// ref defines a struct once and refers to it.
func (g *generator) ref(t reflect.Type) object {
	if _, ok := g.defs[t.Name()]; !ok {
		g.defs[t.Name()] = nil // keeps a type that holds itself from going round
		g.defs[t.Name()] = g.structure(t)
	}
	return object{"$ref": "#/$defs/" + t.Name()}
}

// structure is the schema of a struct's keys, and of what they mean together.
func (g *generator) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range fieldsOf(t) {
		properties[f.name] = g.property(f)
		if f.required {
			required = append(required, f.name)
		}
	}
	s := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	for key, rule := range rules(t) {
		s[key] = rule
	}
	return s
}

// property is the schema of a key, after its tags.
func (g *generator) property(f field) object {
	s := g.schema(f.typ)
	s["description"] = descriptions[f.owner+"."+f.name]
	if f.min != nil {
		s["minimum"] = *f.min
	}
	if f.max != nil {
		s["maximum"] = *f.max
	}
	if f.nonempty && f.typ.Kind() == reflect.String {
		s["minLength"] = 1
	} else if f.nonempty {
		s["minItems"] = 1
	}
	enum := f.enum
	if len(enum) == 0 {
		enum = slices.Sorted(slices.Values(g.names[f.names]))
	}
	if len(enum) > 0 {
		s["enum"] = enum
	}
	if len(f.keys) > 0 {
		keys := object{}
		for _, k := range f.keys {
			inner := g.schema(f.typ.Elem())
			inner["description"] = descriptions[f.name+"."+k]
			keys[k] = inner
		}
		s["properties"], s["additionalProperties"] = keys, false
	}
	if form := valueForms[f.owner+"."+f.name]; form != "" {
		s["pattern"] = form
	}
	if form := keyForms[f.owner+"."+f.name]; form != "" {
		s["propertyNames"] = object{"pattern": form}
	}
	return s
}
