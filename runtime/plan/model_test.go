package plan

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

const modelHead = `name: models
world: {kind: conversation, config: {rounds: 1}}
limits: {usd: 2.50}
secrets: {ANTHROPIC_API_KEY: {file: key.txt}, OTHER: {file: gone.txt}}
`

func toolThere(name string) (string, error) { return "/bin/" + name, nil }

// What an entry says of its model is in the plan, and of secrets only those
// that somebody uses, by reference.
func TestModelEntry(t *testing.T) {
	dir := folder(t, map[string]string{"key.txt": "sk-ant-canary\n", "p.md": "You are {{.agent.id}}."})
	p, problems := expand(dir, modelHead+`agents:
  - id: "a-{n}"
    replicas: 2
    kind: claude
    gateway: bypass
    model: haiku
    prompt: p.md
    limits: {usd: 0.25, turns: 7}
    command: [cat]
    per_process: 2
    pin: true
`, Options{LookPath: toolThere})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	e := p.Entries[0]
	if e.State != "session" || e.PerProcess != 1 || e.Pin || e.Credential != "ANTHROPIC_API_KEY" || !slices.Equal(e.Unused, []string{"command", "per_process", "pin"}) {
		t.Errorf("%+v", e)
	}
	if e.Deadline != 5*time.Minute || e.Limits != (EntryLimits{USD: agent.Dollar / 4, Turns: 7}) || p.Limits.USD != 5*agent.Dollar/2 {
		t.Errorf("deadline %s, limits %+v of %+v", e.Deadline, e.Limits, p.Limits)
	}
	if n := e.Program.Network; n == nil || !n.Any {
		t.Errorf("it reaches its model by %+v", n)
	}
	if m := e.Model; m.Model != "haiku" || m.Prompt != "You are {{.agent.id}}." || m.USD != agent.Dollar/4 || !m.Keep || m.Files {
		t.Errorf("%+v", m)
	}
	if s := p.Secrets["ANTHROPIC_API_KEY"]; len(p.Secrets) != 1 || s.File != filepath.Join(dir, "key.txt") || s.Env != "" {
		t.Errorf("secrets %+v", p.Secrets)
	}
	for _, proc := range p.Processes {
		if len(proc.Agents) != 1 || proc.Command[0] != "/bin/claude" || !slices.Contains(proc.Command, "0.25") {
			t.Errorf("%+v", proc)
		}
	}
	texts, err := p.Brief(e.Model, &p.Agents[1]).Texts()
	if err != nil || texts[agent.PromptFile] != "You are a-2." {
		t.Errorf("%q, %v", texts, err)
	}
}

func TestPromptTooLong(t *testing.T) {
	dir := folder(t, map[string]string{"key.txt": "sk", "p.md": strings.Repeat("x", longestText+1)})
	_, problems := expand(dir, modelHead+"agents: [{id: a, kind: claude, prompt: p.md, system: /abs.md}]\n", Options{LookPath: toolThere})
	if len(problems) != 2 || problems[0].Message != "agents[0].prompt: p.md has 1048577 bytes, more than the 1048576 that a prompt may have" ||
		problems[1].Message != "agents[0].system: /abs.md is not relative to the scenario" {
		t.Errorf("%v", problems)
	}
}

func TestSecretValue(t *testing.T) {
	dir := folder(t, map[string]string{"unix": "  a b\n", "dos": "c\r\n", "two": "d\ne\n\n", "none": "\r\n", "zero": "f\x00g"})
	t.Setenv("TROUPE_TEST_SECRET", "h\n")
	t.Setenv("TROUPE_TEST_EMPTY", "")
	for _, c := range []struct {
		secret Secret
		want   string
		err    string
	}{
		{Secret{File: "unix"}, "  a b", ""},
		{Secret{File: "dos"}, "c", ""},
		{Secret{File: "two"}, "d\ne", ""},
		{Secret{File: "none"}, "", "holds no secret"},
		{Secret{File: "zero"}, "", "holds no secret"},
		{Secret{File: "gone"}, "", "no such file"},
		{Secret{File: "."}, "", "is a directory"},
		{Secret{Env: "TROUPE_TEST_SECRET"}, "h\n", ""},
		{Secret{Command: []string{"printf", "i\\n"}}, "i", ""},
		{Secret{Command: []string{"pwd"}, Dir: "/"}, "/", ""},
		{Secret{Command: []string{"sh", "-c", "echo j; exit 3"}}, "", "the command sh: exit status 3"},
		{Secret{Command: []string{"true"}}, "", "holds no secret"},
		{Secret{Env: "TROUPE_TEST_EMPTY"}, "", "TROUPE_TEST_EMPTY is not set"},
	} {
		if c.secret.File != "" {
			c.secret.File = filepath.Join(dir, c.secret.File)
		}
		got, err := c.secret.Value()
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: %q, %v", c.secret, got, err)
		}
	}
}

// A prompt that cannot be filled for an agent which the world adds is told
// then: the tool would only fail to find it.
func TestAdmitFillsPrompts(t *testing.T) {
	dir := folder(t, map[string]string{"key.txt": "sk"})
	p, problems := expand(dir, modelHead+`agents: [{id: "a-{n}", replicas: 1, max: 3, kind: claude, prompt: {text: "{{.agent.config.trade}}"}, config: {trade: baker}}]
`, Options{LookPath: toolThere})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	none := func(int) int { return 0 }
	if _, _, err := p.Admit("a-2", []byte(`{"trade":"smith"}`), none); err != nil {
		t.Error(err)
	}
	p.Entries[0].Model.Prompt = "{{.agent.config.town}}"
	if _, _, err := p.Admit("a-3", nil, none); err == nil || !strings.Contains(err.Error(), `"town"`) {
		t.Errorf("got %v", err)
	}
}
