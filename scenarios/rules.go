package scenarios

import "reflect"

// Patterns of ids in the JSON Schema; templates hold names in braces.
const (
	idForm       = `^[A-Za-z0-9_-]{1,64}$`
	templateForm = `^([A-Za-z0-9_-]|\{[^{}]+\})+$`
)

// Patterns of texts, and of the keys of mappings, by Owner.key.
var (
	valueForms = map[string]string{
		"Scenario.name":      idForm,
		"Entry.id":           templateForm,
		"Entry.run":          idForm,
		"collectField.field": fieldForm,
		"ViewGrid.value":     fieldForm,
		"Secret.env":         envForm,
	}
	keyForms = map[string]string{
		"Scenario.channels": templateForm,
		"Scenario.secrets":  envForm,
		"World.env":         envForm,
		"Entry.env":         envForm,
		"Substitute.env":    envForm,
		"MCPServer.env":     envForm,
		"Entry.mcp":         serverForm,
	}
)

// rules say in JSON Schema what a type's check method says in Go.
func rules(t reflect.Type) object {
	return map[reflect.Type]object{
		reflect.TypeFor[World](): {
			"oneOf":             []object{needs("kind"), needs("command")},
			"dependentRequired": object{"files": []string{"command"}, "env": []string{"command"}, "timeout": []string{"command"}},
		},
		reflect.TypeFor[Scenario](): {
			"if":   object{"properties": object{"clock": realtime("Scenario.clock")}, "required": []string{"clock"}},
			"else": needs("world"),
		},
		reflect.TypeFor[Clock](): {"if": needs("quiet"), "then": realtime("")},
		reflect.TypeFor[Entry](): {"not": needs("replicas", "for_each")},
		reflect.TypeFor[MCPServer](): {
			"oneOf": []object{needs("command"), needs("url")},
			"dependentRequired": object{
				"args": []string{"command"}, "env": []string{"command"}, "type": []string{"url"}, "headers": []string{"url"},
			},
		},
		reflect.TypeFor[Secret]():        {"oneOf": []object{needs("env"), needs("file"), needs("command")}},
		reflect.TypeFor[Substitute]():    {"anyOf": []object{needs("kind"), needs("command")}},
		reflect.TypeFor[Fault]():         faultRules(),
		reflect.TypeFor[trafficForm]():   {"minProperties": 1, "not": needs("channel", "recipient")},
		reflect.TypeFor[Expect]():        {"minProperties": 1, "maxProperties": 1},
		reflect.TypeFor[policyForm]():    {"minProperties": 1, "maxProperties": 1},
		reflect.TypeFor[ExpectScore]():   bounded,
		reflect.TypeFor[ExpectColumn]():  bounded,
		reflect.TypeFor[ExpectOutcome](): bounded,
		reflect.TypeFor[Bounds]():        bounded,
	}[t]
}

// realtime is a clock that is so; what describes it, where it is a key.
func realtime(key string) object {
	o := object{"properties": object{"mode": object{"const": "realtime", "description": descriptions["Clock.mode"]}}, "required": []string{"mode"}}
	if key != "" {
		o["description"] = descriptions[key]
	}
	return o
}

var bounded = object{"anyOf": []object{needs("equals"), needs("min"), needs("max")}}

func needs(keys ...string) object { return object{"required": keys} }

func (*Duration) schema(*generator) object {
	return object{"type": "string", "pattern": durationForm, "examples": []string{"500ms", "5s", "2m"}}
}

func (*Size) schema(*generator) object {
	return object{"type": "string", "pattern": sizeForm, "examples": []string{"64KiB", "512MiB", "2GiB"}}
}

func (*Rows) schema(g *generator) object {
	list := g.schema(reflect.TypeFor[[]map[string]any]())
	list["minItems"] = 1
	return object{"oneOf": []object{{"type": "string", "pattern": rowsForm}, list}}
}

func (*Text) schema(g *generator) object {
	return object{"oneOf": []object{{"type": "string", "minLength": 1}, g.ref(reflect.TypeFor[textInline]())}}
}

func (*Template) schema(g *generator) object {
	return object{"oneOf": []object{{"type": "string", "minLength": 1}, g.ref(reflect.TypeFor[templateGit]())}}
}

func (*Policy) schema(g *generator) object {
	return object{"oneOf": []object{{"type": "string", "enum": barePolicies}, g.ref(reflect.TypeFor[policyForm]())}}
}

func (*Collect) schema(g *generator) object {
	return object{"oneOf": []object{{"type": "string", "minLength": 1}, g.ref(reflect.TypeFor[collectField]())}}
}
