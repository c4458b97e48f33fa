package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What is committed is what the code builds, and nothing else is committed.
func TestCommitted(t *testing.T) {
	for file, build := range dashboards {
		want, err := build()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("dashboards/%s is not what the code builds: go generate ./dashboards", file)
		}
	}
	files, err := filepath.Glob("../*.json")
	if err != nil || len(files) != len(dashboards) {
		t.Errorf("%d dashboards are built, and there are %v (%v)", len(dashboards), files, err)
	}
}
