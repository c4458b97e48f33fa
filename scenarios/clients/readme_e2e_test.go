//go:build e2e

package clients_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestE2EReadmePython plays the README's Python agent and world, with a voter
// for the world.
func TestE2EReadmePython(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := build(t), t.TempDir()
	client, err := os.ReadFile("troupe.py")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"troupe.py": string(client),
		"voter.py": "from troupe import Agent, serve\n\nclass Voter(Agent):\n    def act(self, o):\n        return {\"vote\": \"tea\"}\n\nserve(Voter)\n",
		"vote.yaml": `name: vote
world: {command: [python3, world.py], files: [troupe.py]}
agents: [{id: "voter-{n}", replicas: 3, command: [python3, voter.py], files: [troupe.py]}]
expect: [{column: {name: tea, equals: 3}}]
`}
	for _, m := range regexp.MustCompile("(?ms)^```python\n# (\\S+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		files[m[1]] = m[2]
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, bin, "try", "--", "python3", "agent.py")
	run(t, dir, bin, "run", "vote.yaml")
}
