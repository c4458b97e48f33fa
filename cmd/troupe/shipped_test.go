package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/world"
	"github.com/troupe-dev/troupe/scenarios"
)

// Every scenario that ships can be run as it is, and an editor that holds it
// against the schema marks nothing in it.
func TestShippedScenariosAreValid(t *testing.T) {
	schema := scenarioSchema(t)
	var paths []string
	for _, pattern := range []string{"*.yaml", "clients/*.yaml", "starter/*.yaml"} {
		found, err := filepath.Glob(filepath.Join("../../scenarios", pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) < 5 {
		t.Fatalf("found only %v", paths)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, problems := scenarios.Load(path)
			_, problems = plan.Expand(s, plan.Options{Found: problems})
			for _, p := range problems {
				t.Error(p)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			value, err := asJSON(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("against the schema: %v", err)
			}
		})
	}
}

// The schema refuses what decoding refuses, here a key that is not there.
func TestSchemaRefusesAnUnknownKey(t *testing.T) {
	value, err := asJSON([]byte("name: x\nworld: {kind: conversation}\nagents: [{id: a, comand: [cat]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if scenarioSchema(t).Validate(value) == nil {
		t.Error("comand passes")
	}
}

// scenarioSchema is what troupe schema prints.
func scenarioSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := scenarios.Schema(agent.Kinds(), world.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// asJSON reads YAML as an editor does that knows nothing of scenarios.
func asJSON(text []byte) (any, error) {
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
}
