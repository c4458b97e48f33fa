package plan

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// longestText is how many bytes a prompt may have.
const longestText = 1 << 20

// A tool is what an entry makes of a kind that drives a command line tool.
type tool struct {
	options    *agent.ModelOptions
	command    []string
	credential string // the name of a secret; empty where the gateway has the key
	gateway    []string
}

// tool resolves what drives a model: its program, its key, its texts.
func (m *maker) tool(v *variant, kind agent.Kind, wrong report) *tool {
	if kind.Tool == nil {
		return nil
	}
	m.spends(kind, wrong)
	t := &tool{options: m.options(v, wrong)}
	if v.entry.Gateway == "bypass" {
		t.credential = m.credential(kind, wrong)
	} else if m.behind(v, kind, wrong) {
		t.gateway, t.options.USD = []string{kind.Tool.API}, 0 // the gateway holds it to that
	}
	t.options.Guide = m.guide(v, kind.Tool.Guide, wrong)
	program, err := m.find.program(kind.Tool.Program)
	if err != nil {
		wrong(".kind", fmt.Sprintf("kind %s drives the program %s, which is not in PATH", kind.Name, kind.Tool.Program), "install it: "+kind.Tool.Install)
	}
	if mode := t.options.PermissionMode; mode != "" && !slices.Contains(kind.Tool.Modes, mode) {
		wrong(".permission_mode", fmt.Sprintf("%s has no permission mode %q", kind.Tool.Program, mode), "it has "+list(kind.Tool.Modes))
	}
	t.command = kind.Tool.Command(program, t.options)
	return t
}

// spends asks for a bound on what models cost.
func (m *maker) spends(kind agent.Kind, wrong report) {
	if m.s.Limits != nil && m.s.Limits.USD != nil || m.blamed("limits") {
		return
	}
	wrong(".kind", fmt.Sprintf("an agent of kind %s costs money, and nothing says how much the run may cost", kind.Name),
		"add limits: {usd: 10} to the scenario, or limits: {usd: none}")
}

func (m *maker) options(v *variant, wrong report) *agent.ModelOptions {
	e := &v.entry
	o := &agent.ModelOptions{
		Model: e.Model, AllowedTools: e.AllowedTools, PermissionMode: e.PermissionMode,
		MaxTurns: e.MaxTurns, Flags: e.Flags, Keep: e.State != "none", Files: len(e.Files) > 0,
		Settings: m.settings(v),
	}
	if e.Limits != nil && e.Limits.USD != nil {
		o.USD = agent.FromDollars(e.Limits.USD.Dollars)
	}
	for _, x := range []struct {
		at   string
		from *scenarios.Text
		to   *string
	}{{".prompt", e.Prompt, &o.Prompt}, {".system", e.System, &o.System}, {".message", e.Message, &o.Message}} {
		if x.from == nil {
			continue
		}
		*x.to = m.text(x.at, x.from, wrong)
		if _, err := agent.ParseText(x.at[1:], *x.to); err != nil {
			v.textsFailed = true
			wrong(x.at, "cannot read the template: "+err.Error(), "templates are those of Go's text/template: {{.agent.id}}")
		}
	}
	return o
}

// guide is what the file of that name says, among those that an entry names by
// themselves.
func (m *maker) guide(v *variant, name string, wrong report) string {
	for i, file := range v.entry.Files {
		if name != "" && filepath.Base(file) == name {
			return m.text(fmt.Sprintf(".files[%d]", i), &scenarios.Text{File: file}, wrong)
		}
	}
	return ""
}

// text is a prompt's, read from its file.
func (m *maker) text(at string, t *scenarios.Text, wrong report) string {
	if t.File == "" || filepath.IsAbs(t.File) {
		return t.Text // an absolute name is refused where the file is copied
	}
	raw, err := os.ReadFile(m.find.path(t.File))
	switch {
	case err != nil: // told where the file is copied
	case len(raw) > longestText:
		wrong(at, fmt.Sprintf("%s has %d bytes, more than the %d that a prompt may have", t.File, len(raw), longestText), "")
	case !utf8.Valid(raw):
		wrong(at, t.File+" is not UTF-8", "")
	default:
		return string(raw)
	}
	return ""
}

// behind lets a tool through to its API, and says whether that can be.
func (m *maker) behind(v *variant, kind agent.Kind, wrong report) bool {
	api := agent.LookupAPI(kind.Tool.API)
	if !m.through(api) {
		hint := fmt.Sprintf("add secrets: {%s: {env: %s}} to the scenario", api.Key, api.Key)
		for _, c := range kind.Tool.Credentials {
			if _, ok := m.s.Secrets[c.Secret]; ok {
				hint = fmt.Sprintf("%s is a credential of the tool's own: gateway: bypass lets it use that, and what it says that it has spent is all that is known then", c.Secret)
			}
		}
		wrong(".kind", fmt.Sprintf("kind %s needs a key, and the scenario's secrets have none for it", kind.Name), hint)
		return false
	}
	m.noRealKey(v, api, wrong)
	return true
}

// credential names the secret that is the key of a tool which uses it by itself.
func (m *maker) credential(kind agent.Kind, wrong report) string {
	for _, c := range kind.Tool.Credentials {
		if _, ok := m.s.Secrets[c.Secret]; ok {
			m.uses(c.Secret)
			return c.Secret
		}
	}
	first := kind.Tool.Credentials[0].Secret
	wrong(".kind", fmt.Sprintf("kind %s needs a key, and the scenario's secrets have none for it", kind.Name),
		fmt.Sprintf("add secrets: {%s: {env: %s}} to the scenario", first, first))
	return ""
}

// checkTexts fills the templates of all agents, so that a name which is not
// there is told before anything starts.
func (m *maker) checkTexts() {
	for i := range m.plan.Agents {
		a := &m.plan.Agents[i]
		m.fillTexts(m.variants[a.Entry], &m.plan.Entries[a.Entry], a)
	}
}

func (m *maker) fillTexts(v *variant, entry *Entry, a *Agent) {
	o := entry.driver()
	if o == nil || v.textsFailed {
		return
	}
	_, err := m.plan.brief(o, a, m.ids).Texts()
	var bad *agent.TextError
	if !errors.As(err, &bad) {
		return
	}
	v.textsFailed = true // the same for all of them, mostly
	at := ".prompt"
	if bad.File == agent.SystemFile {
		at = ".system"
	}
	v.problem(at, fmt.Sprintf("cannot fill the template for agent %s: %v", a.ID, err), "there are .agent.id, .agent.config.NAME, .scenario.name, .agents and .channels")
}

// driver is what the entry says to a model that drives it or stands in for
// what does; nil where there is none. All of them have the same texts.
func (e *Entry) driver() *agent.ModelOptions {
	if e.Model != nil {
		return e.Model
	}
	for _, p := range e.Policies {
		if p.Substitute != nil && p.Substitute.Model != nil {
			return p.Substitute.Model
		}
	}
	return nil
}

// Brief is what the templates of an agent know.
func (p *Plan) Brief(o *agent.ModelOptions, a *Agent) *agent.Brief {
	ids := make([]string, len(p.Agents))
	for i := range p.Agents {
		ids[i] = p.Agents[i].ID
	}
	return p.brief(o, a, ids)
}

func (p *Plan) brief(o *agent.ModelOptions, a *Agent, ids []string) *agent.Brief {
	b := &agent.Brief{Options: o, Agent: a.ID, Config: a.Config, Scenario: p.Name, Agents: ids, Channels: []string{}}
	for i := range p.Channels {
		if slices.Contains(p.Channels[i].Members, a.ID) {
			b.Channels = append(b.Channels, p.Channels[i].Name)
		}
	}
	return b
}
