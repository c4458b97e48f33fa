package observe

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"sync"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/workspace"
)

// A Store answers from a data directory whose bus this process has open.
type Store struct {
	Data string
	Bus  *bus.Bus
	// Live finds a run that this process works on; nil where there is none.
	Live func(run string) *Live
	// Server plays what others want to have played; nil where nobody does.
	Server Server
	// Metrics forget runs that are removed; nil for none.
	Metrics *Metrics
	// Opened waits until runs are known that wait to be played on; nil where there is
	// nothing to wait for.
	Opened func(ctx context.Context) error
	// Busy is called at each request, and what it gives when that is done; nil
	// where nobody wants to know.
	Busy func() (done func())

	sources sources // that somebody reads

	ticketing sync.Once
	ticketKey *tickets

	manifests manifests

	mu   sync.Mutex // guards what follows
	kept []kept     // of runs that are not played here, the newest asked for last
}

// Dir is where a run's files are.
func (s *Store) Dir(run string) workspace.Run {
	return workspace.Run{Dir: filepath.Join(s.Data, "runs", run)}
}

// Close does nothing: the store's parts are their owner's.
func (s *Store) Close() error { return nil }

func (s *Store) live(run string) *Live {
	if s.Live == nil {
		return nil
	}
	return s.Live(run)
}

// List implements Runs: the newest first.
func (s *Store) List(ctx context.Context) ([]Run, error) {
	entries, err := os.ReadDir(filepath.Join(s.Data, "runs"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot list the runs: %w", err)
	}
	runs := []Run{}
	for _, e := range entries {
		if e.IsDir() {
			runs = append(runs, s.describe(ctx, e.Name()))
		}
	}
	sort.SliceStable(runs, func(i, j int) bool { return runs[i].Started.After(runs[j].Started) })
	return runs, nil
}

// Get implements Runs.
func (s *Store) Get(ctx context.Context, run string) (Run, error) {
	if err := s.exists(run); err != nil {
		return Run{}, err
	}
	return s.describe(ctx, run), nil
}

// describe never fails: what is wrong with a run is part of the answer.
func (s *Store) describe(ctx context.Context, name string) Run {
	r := Run{Run: name, Status: Interrupted}
	m, err := s.manifests.get(s.Dir(name).Manifest())
	l := s.live(name)
	if err != nil {
		if l == nil {
			r.Error = err.Error()
			return r
		}
		r.Status = l.status() // it is being made
		return r
	}
	r.Scenario, r.Seed, r.Started = m.Plan.Name, m.Plan.Seed, m.Started
	r.Isolation, r.Missing, r.Enforced = m.Isolation.String(), m.Isolation.Missing, m.Limits
	r.Agents, r.Processes, r.Last, r.Hash = len(m.Plan.Agents), len(m.Plan.Processes), m.Plan.Clock.Ticks, m.Genesis
	r.People = m.Plan.People()
	if l != nil {
		st := l.State()
		if r.Status = l.status(); r.Status == Running {
			r.PID = os.Getpid()
		}
		if stand, missing := l.walled(); stand != "" {
			r.Isolation, r.Missing = stand, missing
		}
		r.Ticks, r.Limits = st.Ticks, l.limits()
		if l.Pacer != nil {
			r.Paused, r.Speed = l.Pacer.Pace()
		}
		if st.Ticks > 0 {
			r.Hash = hex.EncodeToString(st.Hash[:])
		}
		if st.End != record.NotEnded {
			r.Status = StatusOf(st.End)
		}
		return r
	}
	lg, closeLog, err := s.open(ctx, name)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	defer closeLog()
	tick, hash, end := lg.Last()
	r.Ticks, r.Hash, r.Status = tick+1, hex.EncodeToString(hash[:]), StatusOf(end)
	if r.Status == Interrupted && s.Server != nil && s.Server.Queued(name) {
		r.Status = Queued
	}
	return r
}

// StatusOf is how a run stands that nobody works on, by the end of its newest
// record.
func StatusOf(end record.End) Status {
	switch end {
	case record.NotEnded:
		return Interrupted
	case record.EndAborted:
		return Aborted
	}
	return Finished
}

// open opens a run's log.
func (s *Store) open(ctx context.Context, name string) (lg *record.Log, release func(), err error) {
	m, err := s.manifests.get(s.Dir(name).Manifest())
	if err != nil {
		return nil, nil, unmade(name, err)
	}
	return s.openLog(ctx, name, m)
}

// unmade is the error of a run whose manifest cannot be read.
func unmade(name string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoRun, name)
	}
	return err
}

func (s *Store) openLog(ctx context.Context, name string, m *record.Manifest) (lg *record.Log, release func(), err error) {
	stream, err := s.Bus.OpenStream(name)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the log of run %s: %w", name, err)
	}
	lg, err = record.Open(ctx, stream, m.Plan.Genesis())
	if err != nil {
		stream.Close()
		return nil, nil, fmt.Errorf("cannot open the log of run %s: %w", name, err)
	}
	return lg, stream.Close, nil
}

// Events implements Runs.
func (s *Store) Events(ctx context.Context, run string, from int, follow bool, w io.Writer) error {
	if follow {
		if err := s.begun(ctx, run, w); err != nil {
			return err
		}
	}
	src, release, err := s.read(ctx, run)
	if err != nil {
		return err
	}
	defer release()
	for {
		more, over := src.more()
		next, ended, err := src.dump(ctx, from, w)
		if err != nil || ended || !follow || over {
			return err
		}
		from = next
		flush(w)
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Entries implements Runs.
func (s *Store) Entries(ctx context.Context, run string, w io.Writer) error {
	if err := s.exists(run); err != nil {
		return err
	}
	stream, err := s.Bus.OpenStream(run)
	if err != nil {
		return fmt.Errorf("cannot open the log of run %s: %w", run, err)
	}
	defer stream.Close()
	var unwritten error
	err = stream.Read(ctx, 1, func(_ uint64, entry []byte) error {
		unwritten = record.WriteEntry(w, entry)
		return unwritten
	})
	if err == nil || unwritten != nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("the store is damaged: %w", err)
}

func (s *Store) exists(run string) error {
	if bus.CheckToken(run) == nil {
		if _, err := os.Stat(s.Dir(run).Dir); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %s", ErrNoRun, run)
}

// Log implements Runs. An agent of a shared process has its process's log.
func (s *Store) Log(ctx context.Context, run, agent string, tail int, w io.Writer) error {
	if err := s.exists(run); err != nil {
		return err
	}
	path := s.Dir(run).WorldLog()
	if agent != "" {
		process, err := s.process(run, agent)
		if err != nil {
			return err
		}
		path = s.Dir(run).AgentLog(process)
	}
	return copyLog(ctx, path, tail, w)
}

// Transcript implements Runs.
func (s *Store) Transcript(ctx context.Context, run, agent string, tail int, w io.Writer) error {
	if err := s.exists(run); err != nil {
		return err
	}
	process, err := s.process(run, agent)
	if err != nil {
		return err
	}
	path := s.Dir(run).Transcript(process)
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%w: agent %s of run %s has no transcript: only agents that are models keep one, from their first process on", ErrNoLog, agent, run)
	}
	return copyLog(ctx, path, tail, w)
}

// process names the process that hosts an agent.
func (s *Store) process(run, agent string) (string, error) {
	m, err := s.manifests.get(s.Dir(run).Manifest())
	if err != nil {
		return "", err
	}
	for _, p := range m.Plan.Processes {
		for _, id := range p.Agents {
			if id == agent {
				return p.ID, nil
			}
		}
	}
	if bus.CheckToken(agent) == nil { // one that the world added, or a process
		if _, err := os.Stat(filepath.Dir(s.Dir(run).AgentLog(agent))); err == nil {
			return agent, nil
		}
	}
	return "", fmt.Errorf("%w: run %s has no agent %s", ErrNoLog, run, agent)
}

// Stop implements Runs.
func (s *Store) Stop(ctx context.Context, run string) error {
	if err := s.exists(run); err != nil {
		return err
	}
	stopped, err := s.halt(ctx, run, true)
	if err == nil && !stopped {
		err = fmt.Errorf("%w: %s", ErrNotRunning, run)
	}
	return err
}

// halt has a run wait no more and, by force, be played no more; ErrRunning is one
// that would have to be. It says whether there was anything to end. Whoever asks for
// it may go: it is done all the same.
func (s *Store) halt(ctx context.Context, run string, force bool) (ended bool, err error) {
	ctx = context.WithoutCancel(ctx)
	for {
		if ended, err = s.withdraw(ctx, run); ended || err != nil {
			return ended, err
		}
		l := s.live(run)
		switch {
		case l == nil:
			return false, nil
		case l.Waits: // it is only being made: what becomes of it is looked at again
			if err := l.wait(ctx); err != nil {
				return false, err
			}
		case !force:
			return false, fmt.Errorf("%w: %s; stop it first, or remove it by force", ErrRunning, run)
		default:
			if err = l.stop(ctx); err == nil && s.Server != nil {
				err = s.Server.Settled(ctx, run)
			}
			return true, err
		}
	}
}

func (s *Store) withdraw(ctx context.Context, run string) (bool, error) {
	if s.Server == nil {
		return false, nil
	}
	return s.Server.Withdraw(ctx, run)
}

// hold ends a run as halt does, and has nobody play it on until release.
func (s *Store) hold(ctx context.Context, run string, force bool) (release func(), err error) {
	for {
		if _, err := s.halt(ctx, run, force); err != nil {
			return nil, err
		}
		if s.Server == nil {
			return func() {}, nil
		}
		if release, ok := s.Server.Hold(run); ok {
			return release, nil
		}
	}
}

// Remove implements Runs: the log first, so that a run half removed is seen as
// one that can be removed again.
func (s *Store) Remove(ctx context.Context, run string, force bool) error {
	if err := s.exists(run); err != nil {
		if bus.CheckToken(run) == nil && s.Bus.DeleteStream(run) == nil {
			return nil // its directory was deleted by hand
		}
		return err
	}
	release, err := s.hold(ctx, run, force)
	if err != nil {
		return err
	}
	defer release()
	if err := s.exists(run); err != nil { // another has removed it meanwhile
		return err
	}
	if err := s.Bus.DeleteStream(run); err != nil && !errors.Is(err, bus.ErrNoStream) {
		return err
	}
	if s.Metrics != nil {
		s.Metrics.Forget(run)
	}
	return s.Dir(run).Remove()
}
