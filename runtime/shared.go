package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/runtime/tree"
	"github.com/troupe-dev/troupe/workspace"
)

// A shelf is the files of a run's shared tree in the words of the record.
type shelf struct{ *workspace.Shelf }

// openShelf brings the files of a plan's shared tree to where the record is; nil
// where it has none. What is not kept of old contents is found in the log, or
// among the copies of what the tree began with.
func openShelf(p *plan.Plan, dir workspace.Run, log *record.Log, now *tree.Tree) (*shelf, error) {
	w, err := dir.OpenShelf(p.Durability == plan.DurableMachine, func(hash string) ([]byte, error) {
		content, err := templateContent(p, dir, hash)
		if content != nil || err != nil {
			return content, err
		}
		return committedContent(log, hash)
	})
	if err != nil {
		return nil, err
	}
	s := &shelf{w}
	files := now.Under("")
	want := make([]workspace.SharedFile, len(files))
	for i, f := range files {
		want[i] = workspace.SharedFile{Path: f.Path, Hash: f.Hash, Exec: f.Exec}
	}
	err = w.Bring(want)
	if err == nil {
		err = s.hold(now)
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return s, nil
}

// A lateShelf is one that is opened once it is known where the record is.
type lateShelf struct {
	*shelf
	rules *plan.Shared
}

// contents are what a fleet needs of it; nil where the plan has no shared tree.
func (l *lateShelf) contents(p *plan.Plan) supervisor.Contents {
	if p.Shared == nil {
		return nil
	}
	return l
}

// Content implements supervisor.Contents.
func (l *lateShelf) Content(hash string) ([]byte, error) { return l.shelf.Content(hash) }

// open opens it before a process is started.
func (l *lateShelf) open(cfg *engine.Config, dir workspace.Run, log *record.Log) (err error) {
	if cfg.Plan.Shared == nil {
		return nil
	}
	now := engine.NewTree(cfg.Plan)
	if cfg.From != nil {
		now = cfg.From.Tree()
	}
	l.rules = cfg.Plan.Shared
	if l.shelf, err = openShelf(cfg.Plan, dir, log, now); err == nil {
		cfg.Shelf = l.shelf
	}
	return err
}

// View implements supervisor.Contents.
func (l *lateShelf) View(process string, agents, paths []string) (dir string, err error) {
	return l.shelf.View(process, func(name string) bool {
		return slices.ContainsFunc(paths, func(p string) bool { return tree.Covers(p, name) }) &&
			slices.ContainsFunc(agents, func(id string) bool { return l.rules.MayRead(id, name) })
	})
}

// Unview implements supervisor.Contents.
func (l *lateShelf) Unview(process string) { l.shelf.Unview(process) }

func (l *lateShelf) close() {
	if l.shelf != nil {
		l.Close()
	}
}

// atOnce is what decides agents' requests under the realtime clock; nil under
// another.
func (r *run) atOnce() supervisor.Requests {
	if r.plan.Clock.Mode != plan.Realtime {
		return nil
	}
	return &r.door
}

// templateContent is that of a file that the tree began with; nil for none.
func templateContent(p *plan.Plan, dir workspace.Run, hash string) ([]byte, error) {
	for q := p; q != nil; {
		if q.Shared != nil {
			for i := range q.Shared.Files {
				if f := &q.Shared.Files[i]; f.SHA256 == hash {
					content, err := os.ReadFile(filepath.Join(dir.Program(plan.SharedDir), filepath.FromSlash(f.Path)))
					if err == nil && content == nil {
						content = []byte{}
					}
					return content, err
				}
			}
		}
		if q.Fork == nil {
			break
		}
		q = q.Fork.Plan
	}
	return nil, nil
}

// committedContent finds one in the log.
func committedContent(log *record.Log, hash string) (content []byte, err error) {
	err = log.Read(context.Background(), 0, func(rec *record.Record, _ [record.HashSize]byte) error {
		for i := range rec.Commits {
			for j := range rec.Commits[i].Changes {
				x := &rec.Commits[i].Changes[j]
				if !x.Delete && tree.Hash(x.Content) == hash {
					content = slices.Clone(x.Content)
					return errRead
				}
			}
		}
		return nil
	})
	if err == nil {
		err = errors.New("no commit on record has it")
	}
	if errors.Is(err, errRead) {
		err = nil
	}
	return content, err
}

// Shelve implements the engine's shelf.
func (s *shelf) Shelve(commits []tree.Commit, now *tree.Tree) error {
	for i := range commits {
		changes := commits[i].Changes
		for j := range changes { // what was a file may be a directory now
			if changes[j].Delete {
				if err := s.Remove(changes[j].Path); err != nil {
					return err
				}
			}
		}
		for j := range changes {
			if x := &changes[j]; !x.Delete {
				if err := s.Write(x.Path, x.Content, x.Exec); err != nil {
					return err
				}
			}
		}
	}
	return s.hold(now)
}

// hold has the locks of the leases that are held.
func (s *shelf) hold(now *tree.Tree) error {
	leased := map[string]string{}
	for _, l := range now.Leases("") {
		for _, path := range l.Paths {
			leased[path] = fmt.Sprintf("%s, token %d", l.Agent, l.Token)
		}
	}
	return s.Hold(leased)
}
