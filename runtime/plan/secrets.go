package plan

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/scenarios"
)

// A Secret says where a credential is. Its value is read when a run starts and
// is in no plan.
type Secret struct {
	Env  string `json:"env,omitempty"`
	File string `json:"file,omitempty"` // absolute
	// Command writes it, run in the directory Dir.
	Command []string `json:"command,omitempty"`
	Dir     string   `json:"dir,omitempty"`
}

// Value reads the secret. What goes wrong is told without a word of it.
func (s Secret) Value() (string, error) {
	if s.Env != "" {
		if value := os.Getenv(s.Env); value != "" {
			return value, nil
		}
		return "", fmt.Errorf("the environment variable %s is not set", s.Env)
	}
	from, read := "the file "+s.File, func() ([]byte, error) { return os.ReadFile(s.File) }
	if len(s.Command) > 0 {
		from, read = "the command "+s.Command[0], s.run
	}
	raw, err := read()
	if err != nil {
		return "", err
	}
	value := strings.TrimRight(string(raw), "\r\n")
	if value == "" || strings.ContainsRune(value, 0) {
		return "", fmt.Errorf("%s holds no secret", from)
	}
	return value, nil
}

// commandPatience is how long a command may take to say its secret: it may ask a
// person.
const commandPatience = time.Minute

// run gives what the command writes. What it writes on stderr is whoever's who
// starts the run, who may be asked for something there.
func (s Secret) run() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...)
	cmd.Dir, cmd.Stderr, cmd.WaitDelay = s.Dir, os.Stderr, time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("the command %s: %w", s.Command[0], err)
	}
	return out, nil
}

// uses brings a secret into the plan, and says whether the scenario has it.
func (m *maker) uses(name string) bool {
	ref, ok := m.s.Secrets[name]
	if _, known := m.plan.Secrets[name]; !ok || known {
		return ok
	}
	s := secret(ref, m.find.home())
	if m.plan.Secrets == nil {
		m.plan.Secrets = map[string]Secret{}
	}
	m.plan.Secrets[name] = s
	if err := s.there(); err != nil {
		hint := "export it before the run: its value never stands in a scenario"
		switch {
		case s.File != "":
			hint = "the path is relative to the scenario"
		case len(s.Command) > 0:
			hint = "it is run where the scenario lies"
		}
		m.problemAt("secrets."+name, "cannot use the secret: "+err.Error(), hint)
	}
	return true
}

// there says whether the secret can be had, as far as that can be known without
// running what writes it.
func (s Secret) there() error {
	if len(s.Command) == 0 {
		_, err := s.Value()
		return err
	}
	c := exec.Command(s.Command[0])
	if c.Err != nil {
		return c.Err
	}
	return nil
}

func secret(ref scenarios.Secret, dir string) Secret {
	s := Secret{Env: ref.Env, File: ref.File, Command: ref.Command}
	if len(s.Command) > 0 {
		s.Dir = dir
	}
	if s.File != "" && !filepath.IsAbs(s.File) {
		s.File = filepath.Join(dir, s.File)
	}
	return s
}

// secrets resolves the secrets that an entry names.
func (m *maker) secrets(v *variant) []string {
	var names []string
	for i, name := range v.entry.Secrets {
		if !m.uses(name) {
			v.problem(fmt.Sprintf(".secrets[%d]", i), fmt.Sprintf("the scenario has no secret %q", name), "add secrets: {"+name+": {env: "+name+"}} to the scenario")
			continue
		}
		if _, twice := v.entry.Env[name]; twice {
			v.problem(fmt.Sprintf(".secrets[%d]", i), fmt.Sprintf("the environment has %s already, under env", name), "leave one of them out")
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func list(words []string) string { return strings.Join(words, ", ") }
