package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// An Inspector tells what is in a run. Its methods may be called concurrently.
type Inspector interface {
	Plan(ctx context.Context, run string) (*plan.Plan, error)
	Agents(ctx context.Context, run string, q Agents) (Cast, error)
	Agent(ctx context.Context, run, agent string) (AgentState, error)
	// Turns gives an agent's turns, the newest first, and the tick that further
	// ones are before; 0 where there are none.
	Turns(ctx context.Context, run, agent string, q Turns) (list []TurnState, before int, err error)
	// File opens a file or a directory of an agent's working directory.
	File(ctx context.Context, run, agent, path string) (*os.File, error)
}

// ErrNoAgent is an agent that a run does not have, ErrNoFile a file that an agent
// does not.
var (
	ErrNoAgent = errors.New("no such agent")
	ErrNoFile  = errors.New("no such file")
)

// inspectRoutes are those that tell what is in a run.
func inspectRoutes(mux *routes, runs Inspector) {
	mux.HandleFunc("GET /v1/runs/{run}/plan", func(w http.ResponseWriter, r *http.Request) {
		p, err := runs.Plan(r.Context(), r.PathValue("run"))
		tell(w, http.StatusOK, p, err)
	})
	agentRoutes(mux, runs)
	turnRoutes(mux, runs)
	fileRoutes(mux, runs)
}

// Plan implements Inspector.
func (s *Store) Plan(_ context.Context, run string) (*plan.Plan, error) {
	m, err := s.manifest(run)
	if err != nil {
		return nil, err
	}
	return &m.Plan, nil
}

func (s *Store) manifest(run string) (*record.Manifest, error) {
	if err := s.exists(run); err != nil {
		return nil, err
	}
	m, err := s.manifests.get(s.Dir(run).Manifest())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: it has no plan yet", ErrNoRun, run)
	}
	return m, err
}

// A kept tally is one of a run that is not played here.
type kept struct {
	run     string
	started time.Time // tells runs of one name apart
	tally   *tally
}

// mostTallies is how many of them are kept: the last ones that were asked for.
const mostTallies = 8

// tally is what a run's records come to for its agents, up to now.
func (s *Store) tally(ctx context.Context, run string) (*tally, error) {
	m, err := s.manifest(run)
	if err != nil {
		return nil, err
	}
	if l := s.live(run); l != nil {
		t := l.tallied(&m.Plan)
		return t, s.catchUp(ctx, run, t)
	}
	t := s.keep(run, m)
	if err = s.catchUp(ctx, run, t); errors.Is(err, errOther) {
		s.forget(t)
		t = s.keep(run, m)
		err = s.catchUp(ctx, run, t)
	}
	return t, err
}

// errOther says that a log is not the one that a tally was made of: it was
// repaired, and has other ticks from there on.
var errOther = errors.New("the log has changed")

func (s *Store) forget(t *tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(k kept) bool { return k.tally == t })
}

// keep finds the tally of a run that is not played here, or begins one.
func (s *Store) keep(run string, m *record.Manifest) *tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	var t *tally
	if i := slices.IndexFunc(s.kept, func(k kept) bool { return k.run == run }); i >= 0 {
		if s.kept[i].started.Equal(m.Started) {
			t = s.kept[i].tally
		}
		s.kept = slices.Delete(s.kept, i, i+1)
	}
	if t == nil {
		t = newTally(&m.Plan)
	}
	if len(s.kept) == mostTallies {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	s.kept = append(s.kept, kept{run, m.Started, t})
	return t
}

// catchUp has a tally take in what is on record and it does not have yet. Of a run
// that is played there may be more by the time it returns.
func (s *Store) catchUp(ctx context.Context, run string, t *tally) error {
	t.reading.Lock()
	defer t.reading.Unlock()
	next, before := t.at()
	if l := s.live(run); l != nil && l.State().Ticks <= next {
		return nil
	}
	src, release, err := s.read(ctx, run)
	if err != nil {
		return err
	}
	defer release()
	ticks := src.ticks()
	if ticks < next {
		return errOther
	}
	return src.read(ctx, max(next-1, 0), ticks, func(r *record.Record, hash [record.HashSize]byte) error {
		if r.Tick == next-1 && hash != before {
			return errOther
		}
		t.add(r, hash)
		return nil
	})
}

// at is the tick that comes next, and the hash before it.
func (t *tally) at() (next int, hash [record.HashSize]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next, t.hash
}
