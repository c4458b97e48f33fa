package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/scenarios"
)

// A Secret says where a credential is. Its value is read when a run starts and
// is in no plan.
type Secret struct {
	Env  string `json:"env,omitempty"`
	File string `json:"file,omitempty"` // absolute
}

// Value reads the secret. What goes wrong is told without a word of it.
func (s Secret) Value() (string, error) {
	if s.Env != "" {
		if value := os.Getenv(s.Env); value != "" {
			return value, nil
		}
		return "", fmt.Errorf("the environment variable %s is not set", s.Env)
	}
	raw, err := os.ReadFile(s.File)
	if err != nil {
		return "", err
	}
	value := strings.TrimRight(string(raw), "\r\n")
	if value == "" || strings.ContainsRune(value, 0) {
		return "", fmt.Errorf("the file %s holds no secret", s.File)
	}
	return value, nil
}

// uses brings a secret into the plan, and says whether the scenario has it.
func (m *maker) uses(name string) bool {
	ref, ok := m.s.Secrets[name]
	if !ok || m.plan.Secrets[name] != (Secret{}) {
		return ok
	}
	s := secret(ref, m.find.home())
	if m.plan.Secrets == nil {
		m.plan.Secrets = map[string]Secret{}
	}
	m.plan.Secrets[name] = s
	if _, err := s.Value(); err != nil {
		hint := "export it before the run: its value never stands in a scenario"
		if s.File != "" {
			hint = "the path is relative to the scenario"
		}
		m.problemAt("secrets."+name, "cannot use the secret: "+err.Error(), hint)
	}
	return true
}

func secret(ref scenarios.Secret, dir string) Secret {
	s := Secret{Env: ref.Env, File: ref.File}
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
