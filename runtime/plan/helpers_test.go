package plan

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/scenarios"
)

// installed is the PATH that tests see.
func installed(name string) (string, error) {
	if slices.Contains([]string{"python3", "node", "sh", "cat"}, name) {
		return "/usr/bin/" + name, nil
	}
	return "", errors.New("not in PATH")
}

// folder writes files into a new directory. A name with a * at its end is
// executable.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		mode := os.FileMode(0o644)
		if bare, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = bare, 0o755
		}
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// expand decodes and expands a scenario that lies in dir, as the command line does.
func expand(dir, yaml string, opts Options) (*Plan, []scenarios.Problem) {
	s, found := scenarios.Decode("s.yaml", dir, []byte(yaml))
	if s == nil {
		return nil, found
	}
	opts.Found = found
	if opts.LookPath == nil {
		opts.LookPath = installed
	}
	return Expand(s, opts)
}

func mustExpand(t *testing.T, dir, yaml string, sets ...string) *Plan {
	t.Helper()
	p, problems := expand(dir, yaml, Options{Sets: sets})
	if len(problems) > 0 {
		t.Fatalf("unexpected problems:\n%v", scenarios.Problems(problems))
	}
	return p
}

// head is what the scenarios of tests begin with: a world that takes anything.
const head = `name: t
world: {command: [cat]}
`

func toJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func ids(p *Plan) string {
	var all []string
	for _, a := range p.Agents {
		all = append(all, a.ID)
	}
	return strings.Join(all, " ")
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s\n got: %v\nwant: %v", what, got, want)
	}
}
