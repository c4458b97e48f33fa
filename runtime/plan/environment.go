package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/world"
	"github.com/troupe-dev/troupe/scenarios"
)

// worldDir is the directory of the copies of a world that is a process. The
// names of entries' directories begin with a digit.
const worldDir = "world"

// makeWorld resolves the world. A built-in one is made and started once, to
// hear what is wrong with its config and its agents, and given back; nil where
// there is none.
func (m *maker) makeWorld() world.World {
	w := &m.s.World
	if w.Kind == "" && len(w.Command) == 0 && m.plan.Clock.Mode == Realtime {
		for _, tell := range m.noops {
			tell("there is no world to say what does nothing", "use skip, or {action: …}")
		}
		return nil
	}
	config, err := canonical(w.Config)
	if err != nil {
		m.problemAt("world.config", "cannot write config as JSON: "+err.Error(), "")
		return nil
	}
	m.plan.World.Config = config
	switch {
	case w.Kind != "" && len(w.Command) > 0:
		m.derived("world", "a world has a kind or a command, not both", "")
	case w.Kind != "":
		m.plan.World.Kind = w.Kind
		return m.tryWorld(w.Kind, config)
	case len(w.Command) > 0:
		m.worldProcess(w)
	default:
		m.derived("world", "a world has a kind or a command", "the kinds are "+strings.Join(world.Kinds(), ", "))
	}
	return nil
}

func (m *maker) worldProcess(w *scenarios.World) {
	r := newResolver(m.find, func(at, message, hint string) { m.problemAt("world"+at, message, hint) })
	r.globs(w.Files)
	r.listed(w.Readable)
	r.checkEnv(w.Env)
	program := Program{Command: r.command(w.Command), Env: w.Env, Files: r.files.list(), Dir: worldDir}
	program.Readable, program.Network = r.readable.list(), networkOf(w.Network, false)
	m.plan.World.Program = &program
	m.plan.World.Timeout = or(time.Duration(w.Timeout), defaultTimeout)
}

func (m *maker) tryWorld(kind string, config []byte) world.World {
	if !oneOf(world.Kinds(), kind) {
		m.problemAt("world.kind", fmt.Sprintf("unknown world %q", kind), "the built-in worlds are "+strings.Join(world.Kinds(), ", ")+"; command: […] starts one of your own")
		return nil
	}
	if m.blamed("world") {
		return nil // its config is not what the file says
	}
	w, err := world.New(kind, config)
	if err != nil {
		m.worldProblems(err)
		return nil
	}
	if turner, ok := w.(world.Turner); m.plan.Clock.Mode == Realtime && (!ok || !turner.InTurn()) {
		m.problemAt("world", fmt.Sprintf("the world %s has several agents act at once, and the realtime clock one at a time", kind),
			"use clock: {mode: lockstep}, or a world whose agents act in turn")
	}
	if n, ok := w.(world.Nooper); !ok || n.Noop() == nil {
		for _, tell := range m.noops {
			tell(fmt.Sprintf("the world %s has no action that does nothing", kind), "use skip, or {action: …} with an action of the game")
		}
	}
	if m.problems.any() || m.partial {
		return w
	}
	if err := m.plan.begin(w, config); err != nil {
		m.worldProblems(err)
	}
	return w
}

// begin starts a built-in world with the plan's agents, at the game's beginning.
func (p *Plan) begin(w world.World, config []byte) error {
	init := world.Init{Run: "plan", Seed: agent.Seed(p.Seed, ""), Config: config}
	init.Agents = make([]world.Agent, len(p.Agents))
	for i, a := range p.Agents {
		init.Agents[i] = world.Agent{ID: a.ID, Config: a.Config}
	}
	_, err := w.Start(context.Background(), init)
	return err
}

// worldProblems tells what is wrong with a world's config at its place.
func (m *maker) worldProblems(err error) {
	var all world.ConfigErrors
	var one world.ConfigError
	switch {
	case errors.As(err, &all):
	case errors.As(err, &one):
		all = world.ConfigErrors{one}
	default:
		m.problemAt("world", err.Error(), "")
		return
	}
	for _, e := range all {
		at := "world.config"
		if e.Key != "" {
			at += "." + e.Key
		}
		m.problemAt(at, e.Message, "")
	}
}
