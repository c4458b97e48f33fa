package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/world"
	"github.com/troupe-dev/troupe/scenarios"
)

// swaps are what --set makes of a scenario that ships, where its comments say
// that it can be had so.
var swaps = map[string][]string{
	"dilemma.yaml":      {"agents.claude-*.kind=stdio"},
	"public-goods.yaml": {"agents.claude-*.kind=stdio"},
	"sdk.yaml":          {"agents.player.command=[troupe, bot, grudger]", "agents.player.gateway=bypass"},
	"site.yaml":         {"agents.*.kind=stdio", "agents.*.state=reobserve"},
	"village.yaml":      {"agents.*.kind=stdio", "agents.*.state=reobserve"},
}

// Every scenario that ships can be run as it is, where the command line tool
// and the key that it wants are there, and an editor that holds it against the
// schema marks nothing in it.
func TestShippedScenariosAreValid(t *testing.T) {
	t.Setenv("ANTHROPIC_API_KEY", "sk-ant-shipped") // claude itself is the stub
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
			s, found := scenarios.Load(path)
			for _, sets := range [][]string{nil, swaps[filepath.Base(path)]} {
				_, problems := plan.Expand(s, plan.Options{Found: found, Sets: sets})
				for _, p := range problems {
					t.Error(p)
				}
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

// Swapped for bots, models need neither their tool nor a key.
func TestSwappedForNothing(t *testing.T) {
	t.Setenv("ANTHROPIC_API_KEY", "")
	gone := func(string) (string, error) { return "", exec.ErrNotFound }
	for name, sets := range swaps {
		s, found := scenarios.Load(filepath.Join("../../scenarios", name))
		if _, problems := plan.Expand(s, plan.Options{Found: found, LookPath: gone}); len(problems) == 0 {
			t.Errorf("%s is valid without tool and key", name)
		}
		_, problems := plan.Expand(s, plan.Options{Found: found, Sets: sets, LookPath: gone})
		for _, p := range problems {
			t.Error(p)
		}
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
