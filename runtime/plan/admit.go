package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/scenarios"
)

// Admit places an agent that the world adds during a run: its entry is the
// first one with max whose id gives the agent's, its config the entry's with
// what the world gives put over it, key by key. It has a process for itself,
// named after it, whatever the entry's per_process says. Alive counts the
// agents of one entry of the plan that live now. That the id is new is the
// caller's to check.
func (p *Plan) Admit(id string, config json.RawMessage, alive func(entry int) int) (Agent, Process, error) {
	if err := scenarios.ValidID(id); err != nil {
		return Agent{}, Process{}, fmt.Errorf("cannot add agent %q: %w", id, err)
	}
	index, v, err := p.host(id)
	if err != nil {
		return Agent{}, Process{}, err
	}
	e := &p.Entries[index]
	living := 0
	for i := range p.Entries {
		if p.Entries[i].Item == e.Item {
			living += alive(i)
		}
	}
	if living >= e.Max {
		return Agent{}, Process{}, fmt.Errorf("cannot add agent %s: %d agents of %s are alive, as many as its max allows", id, living, e.ID)
	}
	merged, err := e.configOf(v, config)
	if err != nil {
		return Agent{}, Process{}, fmt.Errorf("cannot add agent %s: %w", id, err)
	}
	process := Process{ID: id, Entry: index, Agents: []string{id}}
	if process.Command, err = e.Program.commandOf(v); err != nil {
		return Agent{}, Process{}, fmt.Errorf("cannot add agent %s: %w", id, err)
	}
	for name, value := range e.Program.Env {
		if process.Env == nil {
			process.Env = make(map[string]string, len(e.Program.Env))
		}
		process.Env[name] = parseTemplate(value).fill(v)
	}
	a := Agent{ID: id, Entry: index, Config: merged}
	if e.Model != nil {
		if _, err := p.Brief(e.Model, &a).Texts(); err != nil {
			return Agent{}, Process{}, fmt.Errorf("cannot add agent %s: its prompt cannot be filled: %w", id, err)
		}
	}
	return a, process, nil
}

// EntryOf finds the entry of an agent of the start, or of one that the world
// adds, as an index.
func (p *Plan) EntryOf(id string) (entry int, ok bool) {
	if a, ok := p.Agent(id); ok {
		return a.Entry, true
	}
	return p.Host(id)
}

// Host finds the entry of an agent that the world adds, as an index.
func (p *Plan) Host(id string) (entry int, ok bool) {
	entry, _, err := p.host(id)
	return entry, err == nil
}

// host finds the entry that an added agent belongs to.
func (p *Plan) host(id string) (int, vars, error) {
	var patterns []string
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.Max == 0 {
			continue
		}
		patterns = append(patterns, e.ID)
		n, ok := parseTemplate(e.ID).number(id)
		covers := func(glob string) bool { return scenarios.Match(glob, id) }
		spared := func(glob string) bool { return !covers(glob) }
		if ok && !slices.ContainsFunc(e.Only, spared) && !slices.ContainsFunc(e.Except, covers) {
			return i, vars{n: n}, nil
		}
	}
	if len(patterns) == 0 {
		return 0, vars{}, fmt.Errorf("cannot add agent %s: no entry of the scenario says max, so the world may add none", id)
	}
	patterns = slices.Compact(patterns)
	return 0, vars{}, fmt.Errorf("cannot add agent %s: it matches no entry that says max: %s, where {n} counts from 1", id, strings.Join(patterns, ", "))
}

// configOf fills the entry's config and puts a world's over it.
func (e *Entry) configOf(v vars, over json.RawMessage) (json.RawMessage, error) {
	config, err := decodeObject(e.Config)
	if err != nil {
		return nil, fmt.Errorf("cannot read the entry's config: %w", err)
	}
	filled, _ := fillValue(config, v).(map[string]any)
	given, err := decodeObject(over)
	if err != nil {
		return nil, fmt.Errorf("the config that the world gives is not a JSON object: %w", err)
	}
	maps.Copy(filled, given)
	return canonical(filled)
}

// decodeObject reads a JSON object; null and nothing are an empty one.
// Numbers keep the digits they are written with.
func decodeObject(raw json.RawMessage) (map[string]any, error) {
	object := map[string]any{}
	if len(bytes.TrimSpace(raw)) == 0 {
		return object, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if object == nil {
		object = map[string]any{}
	}
	return object, nil
}

// commandOf fills the command for an agent that comes later. Files that it
// names were all copied when the run began.
func (p *Program) commandOf(v vars) ([]string, error) {
	files := make(fileSet, len(p.Files))
	for _, f := range p.Files {
		files[f.Path] = f
	}
	var out []string
	for i, word := range p.Command {
		filled := parseTemplate(word).fill(v)
		file, isCopy := files[within(filled)]
		switch {
		case filled == word && i > 0 || strings.HasPrefix(filled, copied):
		case isCopy && i == 0 && !file.Exec:
			return nil, fmt.Errorf("%s is not executable", filled)
		case isCopy:
			filled = copied + file.Path
		case i == 0 && filled != "troupe" && !strings.HasPrefix(filled, "/"), looksLikeScript(filled):
			return nil, fmt.Errorf("the file %s was not copied into the run: list it under files", filled)
		}
		out = append(out, filled)
	}
	return out, nil
}
