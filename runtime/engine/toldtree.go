package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/tree"
)

// checkedOut is the fact that says which files of the shared tree an agent was
// given: in its detail a line for each, of its version and path.
const checkedOut = "checkout"

// tree yields what a record has of files of the shared tree: those that agents were
// given, and those that they wrote. A name is a path with the version, as in
// notes/a.md@3, and who the version is from is its author, nobody where it is of the
// template.
func (r *readings) tree(s *society, rec *record.Record) error {
	for _, f := range checkouts(rec) {
		for line := range strings.SplitSeq(f.Detail, "\n") {
			number, path, ok := strings.Cut(line, " ")
			version, err := strconv.Atoi(number)
			if !ok || err != nil {
				return fmt.Errorf("the record of tick %d says of a checkout of agent %s: %q", rec.Tick, f.Agent, line)
			}
			told := Told{Tick: rec.Tick, Agent: f.Agent, What: ToldCheckout, Name: versioned(path, version), From: r.authors[version]}
			if err := r.shared(s, rec, told); err != nil {
				return err
			}
		}
	}
	for i := range rec.Commits {
		c := &rec.Commits[i]
		if r.authors == nil {
			r.authors = map[int]string{}
		}
		r.authors[c.Number] = c.Author
		for j := range c.Changes {
			told := Told{Tick: rec.Tick, Agent: c.Author, What: ToldCommit, Name: versioned(c.Changes[j].Path, c.Number), From: c.Author}
			err := r.shared(s, rec, told)
			if err == nil && !c.Changes[j].Delete {
				err = r.viewed(s, told, c.Changes[j].Path)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// A viewer is a process that reads paths of the shared tree directly, for one of its
// agents.
type viewer struct {
	reader, agent string
	paths         []string
}

// view yields the files that a process finds at paths of the shared tree, and notes
// that it will find others. Which of them it reads nobody sees.
func (r *readings) view(s *society, told Told, paths []string) error {
	if s.tree == nil || len(paths) == 0 {
		return nil
	}
	v := viewer{told.Reader, told.Agent, paths}
	r.viewers = append(r.viewers, v)
	for _, f := range s.tree.Under("") {
		told.What, told.Name, told.Text, told.From = ToldShared, versioned(f.Path, f.Version), nil, f.By
		if v.sees(s, f.Path) {
			if err := r.yield(&told); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *viewer) sees(s *society, path string) bool {
	return s.tree.MayRead(v.agent, path) && slices.ContainsFunc(v.paths, func(p string) bool { return tree.Covers(p, path) })
}

// viewed yields a version that was committed for all who find it from then on.
func (r *readings) viewed(s *society, told Told, path string) error {
	told.What = ToldShared
	for i := range r.viewers {
		v := &r.viewers[i]
		if slot, known := s.find(v.agent); !known || !s.members[slot].alive || !v.sees(s, path) {
			continue
		}
		told.Reader, told.Agent = v.reader, v.agent
		if err := r.yield(&told); err != nil {
			return err
		}
	}
	return nil
}

// checkouts are the facts of a record that are such, by agent: who was first is
// chance.
func checkouts(rec *record.Record) (list []*record.Fact) {
	for i := range rec.Annex.Facts {
		if f := &rec.Annex.Facts[i]; f.Kind == checkedOut {
			list = append(list, f)
		}
	}
	slices.SortStableFunc(list, func(a, b *record.Fact) int { return compare(a.Agent, b.Agent) })
	return list
}

func versioned(path string, version int) string { return fmt.Sprintf("%s@%d", path, version) }

// shared yields a file for all processes that may have been the agent's in the tick.
func (r *readings) shared(s *society, rec *record.Record, told Told) error {
	slot, known := s.find(told.Agent)
	if !known {
		return nil
	}
	m := &s.members[slot]
	readers := r.readers(s, m)
	if slices.ContainsFunc(rec.Turns, func(t record.Turn) bool { return t.Agent == m.id && t.Policy == policySubstitute }) {
		readers = append(readers, s.plan.SubstituteID(m.id))
	}
	for _, told.Reader = range readers {
		key := [3]string{told.Reader, told.What + " " + told.Agent, told.Name}
		if r.had[key] {
			continue // it was noted anew when the run went on
		}
		r.had[key] = true
		if err := r.yield(&told); err != nil {
			return err
		}
	}
	return nil
}
