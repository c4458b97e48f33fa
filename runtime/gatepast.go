package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/troupe-dev/troupe/runtime/gateway"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/workspace"
)

// pastGate opens the gateway of a run that is executed again: what its models have
// answered is all that it gives.
func (r *run) pastGate(dir string, strict bool) (*gate, error) {
	past, err := gateway.ReadPast(dir)
	if err != nil {
		return nil, err
	}
	return r.openGate(gateway.Options{Past: past, Only: true, Strict: strict})
}

// drift counts the requests that were answered though they are not those on record.
func (g *gate) drift() int {
	if g == nil {
		return 0
	}
	return g.past.Drift()
}

// replays copies what the models of another run answered into this one, whose
// requests are answered with it. The copy goes on where that run is removed.
func (r *run) replays(data string) error {
	m := r.opts.Models
	if m == nil {
		return nil
	}
	if r.plan.Gateway == nil {
		return errors.New("cannot replay models: no agent of the scenario goes through the gateway")
	}
	from := workspace.Run{Dir: filepath.Join(data, "runs", m.Run)}
	if _, err := os.Stat(from.Manifest()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot replay the models of run %s: there is no such run in %s", m.Run, r.opts.Data)
	}
	if _, err := os.Stat(from.Gateway()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot replay the models of run %s: it has kept nothing of what they answered", m.Run)
	}
	if err := os.CopyFS(r.dir.Replayed(), os.DirFS(from.Gateway())); err != nil {
		return fmt.Errorf("cannot replay the models of run %s: %w", m.Run, err)
	}
	return nil
}

// answers say what the gateway of a run answers with: its own past and, where it
// replays another's models, theirs.
func (r *run) answers() (o gateway.Options, err error) {
	o.Past = gateway.NewPast()
	m := r.opts.Models
	if m == nil {
		return o, nil
	}
	o.Only, o.Strict, o.Onward = true, m.Strict, m.Onward
	o.Past, err = gateway.ReadPast(r.dir.Replayed())
	return o, err
}

// A ReplayModels says that the models of another run answer in this one.
type ReplayModels = record.ReplayModels
