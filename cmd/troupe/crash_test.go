package main

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/bench"
)

// TestCrash is the other half of promise 1: a run that loses its supervisor,
// agents, or both, at any moment, ends with the hash it would have had, and
// loses and leaves nothing. It is troupe bench crash, with this binary.
func TestCrash(t *testing.T) {
	crash(t, 4)
}

func crash(t *testing.T, kills int) {
	if testing.Short() {
		t.Skip("kills real processes for a while")
	}
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	seed := rand.Uint64()
	t.Run("all", func(t *testing.T) {
		for _, name := range bench.CrashScenarios() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				rep, err := bench.Crash(t.Context(), bench.CrashOptions{Only: []string{name}, Kills: kills, Seed: seed})
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				var text strings.Builder
				if err := rep.Print(&text); err != nil {
					t.Fatal(err)
				}
				if t.Log(text.String()); !rep.Holds() {
					t.Error("something is lost, doubled or left")
				}
			})
		}
	})
}
