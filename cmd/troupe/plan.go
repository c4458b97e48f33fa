package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v4"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/world"
	"github.com/troupe-dev/troupe/scenarios"
)

var validateCommand = &cli.Command{
	Name:      "validate",
	Usage:     "check a scenario and everything it names, without starting anything",
	ArgsUsage: "SCENARIO",
	Flags:     planFlags,
	Action: func(c *cli.Context) error {
		path, err := one(c, "scenario file")
		if err != nil {
			return err
		}
		p, err := expand(c, path)
		if err != nil {
			return err
		}
		faults := ""
		if n := len(p.Faults); n > 0 {
			faults = fmt.Sprintf(", %d faults", n)
		}
		_, _ = fmt.Fprintf(os.Stdout, "%s is valid: %d agents in %d processes%s\n", path, len(p.Agents), len(p.Processes), faults)
		return nil
	},
}

var planCommand = &cli.Command{
	Name:      "plan",
	Usage:     "print a scenario fully resolved: every agent named, every default filled",
	ArgsUsage: "SCENARIO",
	Flags:     slices.Concat([]cli.Flag{dataFlag, &cli.BoolFlag{Name: "json", Usage: "print JSON instead of YAML, or of a table"}}, costFlags, planFlags),
	Action: func(c *cli.Context) error {
		path, err := one(c, "scenario file")
		if err != nil {
			return err
		}
		assumed, err := assumptions(c)
		if err != nil {
			return err
		}
		p, err := expand(c, path)
		if err != nil {
			return err
		}
		if c.Bool("cost") {
			return showCost(c, p, assumed)
		}
		walls, _ := runtime.Survey(p, c.String("data")) // what cannot be had is for run to say
		shown := struct {
			*plan.Plan
			Enforced map[string]map[string]string `json:"limits_enforced,omitempty"`
		}{p, runtime.Enforcement(p, walls)}
		if c.Bool("json") {
			return writeJSON(os.Stdout, shown)
		}
		return writeYAML(os.Stdout, shown)
	},
}

var schemaCommand = &cli.Command{
	Name:  "schema",
	Usage: "print the JSON Schema of scenarios, for editors",
	Action: func(*cli.Context) error {
		text, err := scenarios.Schema(agent.Kinds(), world.Kinds())
		if err == nil {
			_, err = os.Stdout.Write(append(text, '\n'))
		}
		return err
	},
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// writeYAML writes v as its JSON says, in YAML.
func writeYAML(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot print the plan: %w", err)
	}
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil { // JSON is YAML; the order of keys stays
		return fmt.Errorf("cannot print the plan: %w", err)
	}
	block(&n)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(&n); err != nil {
		return fmt.Errorf("cannot print the plan: %w", err)
	}
	return enc.Close()
}

// block takes JSON's looks from what YAML shows.
func block(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		block(c)
	}
}
