package world

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// schemas are what a world's actions must be like, the most specific pattern
// first.
type schemas []schema

type schema struct {
	pattern string
	*jsonschema.Schema
}

// noLoader keeps a schema from reading files and the network.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("cannot load %s: a schema of actions refers to itself alone", url)
}

func compileSchemas(byPattern map[string][]byte) (schemas, error) {
	var all schemas
	for _, pattern := range sortedKeys(byPattern) {
		const name = "action.json"
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(byPattern[pattern]))
		if err != nil {
			return nil, malformed(at("ready.action_schema", pattern), "cannot be read: %v", err)
		}
		c := jsonschema.NewCompiler()
		c.UseLoader(noLoader{})
		if err := c.AddResource(name, doc); err != nil {
			return nil, malformed(at("ready.action_schema", pattern), "cannot be used: %v", err)
		}
		compiled, err := c.Compile(name)
		if err != nil {
			return nil, malformed(at("ready.action_schema", pattern), "is no JSON Schema: %s", reason(err))
		}
		all = append(all, schema{pattern, compiled})
	}
	slices.SortStableFunc(all, func(a, b schema) int { return len(b.pattern) - len(a.pattern) })
	return all, nil
}

// refuse finds the actions that are not as their schema wants them; nil for
// none. What a policy put in place of an action was not the agent's choice and
// is let through.
func (all schemas) refuse(actions []Action) *Refusal {
	var refusal *Refusal
	for i := range actions {
		a := &actions[i]
		if a.JSON == nil || a.Failure != "" {
			continue
		}
		why := all.check(a)
		if why == "" {
			continue
		}
		if refusal == nil {
			refusal = &Refusal{Why: make(map[string]string)}
		}
		refusal.Why[a.Agent] = why
	}
	return refusal
}

func (all schemas) check(a *Action) (why string) {
	for _, s := range all {
		if !match(s.pattern, a.Agent) {
			continue
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.JSON))
		if err == nil {
			err = s.Validate(value)
		}
		if err == nil {
			return ""
		}
		return "the action does not fit its schema: " + reason(err)
	}
	return ""
}

var english = message.NewPrinter(language.English)

// reason is the first cause of an error, with its place in the action or in the
// schema.
func reason(err error) string {
	var schema *jsonschema.SchemaValidationError
	if errors.As(err, &schema) {
		err = schema.Err // which it does not unwrap to
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return firstLine(err)
	}
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	text := shorten(invalid.ErrorKind.LocalizedString(english))
	if len(invalid.InstanceLocation) > 0 {
		return shorten(strings.Join(invalid.InstanceLocation, ".")) + ": " + text
	}
	return text
}

func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}
