// Command build writes the dashboards' JSON. It is a program of its own so that
// the SDK that it builds them with is no part of troupe. `go generate
// ./dashboards` runs it.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

// dashboards is the table of all dashboards, by their file.
var dashboards = map[string]func() ([]byte, error){
	"run.json":    run,
	"agents.json": agents,
	"cost.json":   cost,
	"bus.json":    busAndRecord,
	"fleet.json":  fleet,
}

// write writes all of them to the working directory.
func write() error {
	for file, build := range dashboards {
		text, err := build()
		if err != nil {
			return fmt.Errorf("cannot build %s: %w", file, err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("cannot write %s: %w", file, err)
		}
	}
	return nil
}

// encode writes JSON that people can read in a diff.
func encode(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any // the SDK's own encoders escape < and >, which expressions are full of
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(plain)
	return out.Bytes(), err
}
