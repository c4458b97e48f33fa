package runtime

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/workspace"
)

// keepSources copies the logs of the runs whose agents answer in this one: it
// needs them for as long as it is there, and they may be removed.
func (r *run) keepSources(ctx context.Context, data string) ([]record.Source, error) {
	store := &observe.Store{Data: data, Bus: r.host.bus}
	var all []record.Source
	for _, name := range r.plan.Runs() {
		s, err := r.keepSource(ctx, store, name)
		if err != nil {
			return nil, fmt.Errorf("cannot take the answers of run %s: %w", name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func (r *run) keepSource(ctx context.Context, store *observe.Store, name string) (s record.Source, err error) {
	m, err := record.ReadManifest(store.Dir(name).Manifest())
	if errors.Is(err, os.ErrNotExist) {
		err = observe.ErrNoRun
	}
	if err != nil {
		return s, err
	}
	for i := range r.plan.Agents {
		a := &r.plan.Agents[i]
		_, there := m.Plan.Agent(a.ID)
		if r.plan.Entries[a.Entry].Run != name || there {
			continue
		}
		if _, there := m.Plan.Host(a.ID); !there {
			return s, fmt.Errorf("it has no agent %s", a.ID)
		}
	}
	path := r.dir.Source(name)
	if err := os.MkdirAll(r.dir.Sources(), 0o700); err != nil {
		return s, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return s, err
	}
	w := bufio.NewWriterSize(file, 1<<16)
	err = store.Entries(ctx, name, w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return s, err
	}
	return checkSource(ctx, r.dir, record.Source{Run: name, Genesis: m.Genesis})
}

// checkSource says how far a copied log goes.
func checkSource(ctx context.Context, dir workspace.Run, s record.Source) (record.Source, error) {
	src, err := openSource(dir, s)
	if err != nil {
		return s, err
	}
	defer src.close()
	ticks, hash, err := src.log.Verify(ctx)
	s.Ticks, s.Hash = ticks, hex.EncodeToString(hash[:])
	return s, err
}

// A source is a copied log that agents answer from. Its methods may be called
// concurrently.
type source struct {
	run  string
	file *os.File
	log  *record.Log

	mu  sync.Mutex
	rec *record.Record // the newest that was read; nil for none
}

func openSource(dir workspace.Run, s record.Source) (*source, error) {
	genesis, err := hex.DecodeString(s.Genesis)
	if err != nil || len(genesis) != record.HashSize {
		return nil, fmt.Errorf("the hash that run %s begins with is %q", s.Run, s.Genesis)
	}
	file, err := os.Open(dir.Source(s.Run))
	if err != nil {
		return nil, err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	entries, err := record.OpenCopy(file, size, nil)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &source{run: s.Run, file: file, log: record.Reading(entries, [record.HashSize]byte(genesis))}, nil
}

func (s *source) close() { _ = s.file.Close() } // only read from

// errRead ends a reading after the record that was wanted.
var errRead = errors.New("read enough")

// answer implements supervisor.Source.
func (s *source) answer(id string, tick int) (agent.Answer, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rec == nil || s.rec.Tick != tick {
		s.rec = nil
		err := s.log.Read(context.Background(), tick, func(rec *record.Record, _ [record.HashSize]byte) error {
			s.rec = rec
			return errRead
		})
		if err != nil && !errors.Is(err, errRead) {
			return agent.Answer{}, false, fmt.Errorf("cannot read the record of run %s: %w", s.run, err)
		}
		if s.rec == nil {
			return agent.Answer{}, false, nil
		}
	}
	a, there := engine.Recorded(s.rec, id)
	return a, there, nil
}

// sources are those of a plan, by run, open until stop.
func (r *run) sources(p *plan.Plan, dir workspace.Run, kept []record.Source) (map[string]*source, error) {
	all := map[string]*source{}
	for _, name := range p.Runs() {
		for _, s := range kept {
			if s.Run != name {
				continue
			}
			src, err := openSource(dir, s)
			if err != nil {
				return nil, fmt.Errorf("cannot take the answers of run %s: %w", name, err)
			}
			r.onStop(src.close)
			all[name] = src
		}
		if all[name] == nil {
			return nil, fmt.Errorf("cannot take the answers of run %s: the run has no copy of them", name)
		}
	}
	return all, nil
}
