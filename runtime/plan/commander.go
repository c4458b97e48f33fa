package plan

import (
	"fmt"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// A commander fills the command and environment of an entry's processes.
type commander struct {
	*resolver
	words  []template
	values map[string]template // of the environment
	same   bool                // every agent has the same
	once   bool                // it was filled for all
	tool   []string            // the kind's own command, in place of words
	argv   []string
	env    map[string]string
}

func (m *maker) commander(v *variant, kind agent.Kind) *commander {
	e := &v.entry
	c := &commander{resolver: newResolver(m.find, v.problem), values: map[string]template{}, same: true}
	c.globs(e.Files)
	if kind.Reads("readable") {
		c.listed(e.Readable)
	}
	for name, text := range map[string]*scenarios.Text{".prompt": e.Prompt, ".system": e.System, ".message": e.Message} {
		if text != nil {
			c.text(name, text.File)
		}
	}
	differs := func(at string, t template) template {
		if name, ok := v.knows(t); ok {
			c.same = false
			if e.PerProcess > 1 {
				v.problem(at, fmt.Sprintf("{%s} differs between agents that share a process", name), "leave per_process out, or put it into config")
			}
		}
		return t
	}
	for i, word := range commandOf(e, kind) {
		c.words = append(c.words, differs(fmt.Sprintf(".command[%d]", i), parseTemplate(word)))
	}
	if !kind.Reads("env") {
		return c
	}
	c.checkEnv(e.Env)
	for name, value := range e.Env {
		c.values[name] = differs(".env."+name, parseTemplate(value))
	}
	return c
}

func commandOf(e *scenarios.Entry, kind agent.Kind) []string {
	if kind.Reads("command") {
		return e.Command
	}
	return nil
}

// knows finds a variable of the template that some agent has.
func (v *variant) knows(t template) (string, bool) {
	for _, name := range t.names() {
		for i := range v.members {
			if _, ok := v.members[i].vars.value(name); ok {
				return name, true
			}
		}
	}
	return "", false
}

// program is the entry's own, for agents that come later: words with braces
// stay as the scenario has them, since what they name depends on the agent.
func (c *commander) program(v *variant) Program {
	p := Program{Dir: v.dir, Env: v.entry.Env}
	if c.tool != nil {
		c.allows(c.tool[0])
		p.Command = c.tool
		return p
	}
	for i, word := range v.entry.Command {
		if len(c.words) > 0 && !strings.Contains(word, "{") {
			word = c.word(i, word)
		}
		p.Command = append(p.Command, word)
	}
	return p
}

// fill gives a process's command and environment. The caller must not change
// them: processes that have the same share them.
func (c *commander) fill(v vars) ([]string, map[string]string) {
	if c.once {
		return c.argv, c.env
	}
	var words []string
	for _, t := range c.words {
		words = append(words, t.fill(v))
	}
	argv := c.tool
	if len(words) > 0 {
		argv = c.command(words)
	}
	var env map[string]string
	if len(c.values) > 0 {
		env = make(map[string]string, len(c.values))
		for name, t := range c.values {
			env[name] = t.fill(v)
		}
	}
	c.argv, c.env, c.once = argv, env, c.same
	return argv, env
}
