package plan

import (
	"encoding/json"
	"testing"
)

// BenchmarkExpand resolves 100,000 agents with a config each.
func BenchmarkExpand(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		_, problems := expand(dir, head+`agents: [{id: "cell-{n}", replicas: 100000, command: [cat, "{n}"], config: {n: "{n}", who: "cell {n}"}}]
channels: {all: {members: ["*"]}}
`, Options{})
		if len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

// BenchmarkReadBack writes and reads the same plan.
func BenchmarkReadBack(b *testing.B) {
	p, problems := expand(b.TempDir(), head+`agents: [{id: "cell-{n}", replicas: 100000, command: [cat, "{n}"], config: {n: "{n}"}}]`, Options{})
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	for b.Loop() {
		raw, err := json.Marshal(p)
		if err != nil {
			b.Fatal(err)
		}
		if err := json.Unmarshal(raw, new(Plan)); err != nil {
			b.Fatal(err)
		}
	}
}
