package runtime

import (
	"fmt"
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/supervisor"
)

// readSecrets reads what the plan names. The values live in this process and
// in those that they are given to.
func readSecrets(p *plan.Plan) (map[string]string, error) {
	values := make(map[string]string, len(p.Secrets))
	for _, name := range slices.Sorted(maps.Keys(p.Secrets)) {
		value, err := p.Secrets[name].Value()
		if err != nil {
			return nil, fmt.Errorf("cannot use secret %s: %w", name, err)
		}
		values[name] = value
	}
	return values, nil
}

// driven fills in what a process needs that is a command line tool: the texts
// of its agent, the files that it is configured by and its key. program is the
// directory of its entry's files.
func (f *fleet) driven(s *supervisor.Spec, o *agent.ModelOptions, credential, program string) {
	if o == nil {
		return
	}
	a := f.agent(s.Agents[0].Agent)
	s.Brief = f.plan.Brief(o, &a)
	s.Session = o.Keep
	s.Texts, _ = s.Brief.Texts() // filled once already, when the plan was made
	if files := s.Kind.Tool.Files; files != nil {
		place := func(word string) string { return f.placed(word, program) }
		maps.Copy(s.Texts, files(o, o.Servers(f.troupe(), place)))
	}
	for _, c := range s.Kind.Tool.Credentials {
		if c.Secret == credential {
			s.Secrets = append(s.Secrets, supervisor.Secret{Name: c.Secret, Value: f.secrets[c.Secret], Descriptor: c.Descriptor})
		}
	}
}

// bypasses are the entries whose command line tools go around the gateway.
func bypasses(p *plan.Plan) (ids []string) {
	for i := range p.Entries {
		e := &p.Entries[i]
		if k, err := agent.Lookup(e.Kind); err == nil && k.Tool != nil && len(e.Gateway) == 0 && !slices.Contains(ids, e.ID) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// secretsOf are the secrets that an entry names.
func (f *fleet) secretsOf(names []string) []supervisor.Secret {
	var all []supervisor.Secret
	for _, name := range names {
		all = append(all, supervisor.Secret{Name: name, Value: f.secrets[name]})
	}
	return all
}
