package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/socket"
	"github.com/troupe-dev/troupe/workspace"
)

// A sharing is a run under the realtime clock whose agents are idle: what their
// programs would ask for through their sockets, the bench asks for.
type sharing struct {
	opened chan runtime.Opening
}

// Starting implements runtime.Watcher.
func (s *sharing) Starting(o runtime.Opening) { s.opened <- o }

// Ticked implements runtime.Watcher.
func (*sharing) Ticked(*record.Record, *record.Summary) {}

// Happened implements runtime.Watcher.
func (*sharing) Happened(record.Fact) {}

// shared has some clients, each with the socket of an agent of its own, do something
// while a run goes, which ends with it.
func (l *lab) shared(ctx context.Context, s size, clients int, do func([]*socket.Client) error) (err error) {
	path, err := l.write(&game{agents: clients, realtime: true, durability: s.durability})
	if err != nil {
		return err
	}
	p, err := expand(path)
	if err != nil {
		return err
	}
	l.runs++
	data := filepath.Join(l.dir, fmt.Sprintf("d%d", l.runs))
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	ctx, cancel := context.WithCancel(ctx)
	w := &sharing{opened: make(chan runtime.Opening, 1)}
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		_, err := runtime.Run(ctx, p, runtime.Options{Data: data, Scenario: path, Command: "bench", Kill: l.kill, Watch: w})
		ended <- err
	}()
	var all []*socket.Client
	select {
	case o := <-w.opened:
		if all, err = connect(ctx, workspace.Run{Dir: o.Dir}, clients); err == nil {
			err = do(all)
		}
	case <-ctx.Done():
	}
	for _, c := range all {
		_ = c.Close()
	}
	cancel()
	return errors.Join(err, <-ended)
}

// connect waits until the agents can ask.
func connect(ctx context.Context, dir workspace.Run, clients int) (all []*socket.Client, err error) {
	for i := range clients {
		path, err := dir.Socket(agentID(i))
		if err != nil {
			return all, err
		}
		for {
			c, err := socket.DialAt(path)
			if err == nil {
				if _, err = c.Ask(&socket.Request{Op: "list_agents"}, nil); err == nil {
					all = append(all, c)
					break
				}
				_ = c.Close()
			}
			select {
			case <-ctx.Done():
				return all, errors.Join(ctx.Err(), err)
			case <-time.After(time.Millisecond):
			}
		}
	}
	return all, nil
}

// A holder locks the one thing that two of them want, and unlocks it.
type holder struct{ lock, unlock func() error }

// holdFor is how long each has it: so long that the other waits.
const holdFor = 2 * time.Millisecond

// handOver gives the median of the times, in µs, from where one holder begins to
// unlock to where the other has it, which asks while the first one has it still.
func handOver(times int, holders [2]holder) (float64, error) {
	var mu sync.Mutex // nobody waits for it: the holders take turns, as far as their locks are any good
	var freed time.Time
	var took []float64
	var ask [2]chan bool // closed where the other has failed
	for i := range ask {
		ask[i] = make(chan bool, 1)
	}
	ask[0] <- true
	failed := make(chan error, len(holders))
	for i := range holders {
		go func() {
			defer close(ask[1-i])
			failed <- func() error {
				for range times {
					if !<-ask[i] {
						return nil
					}
					if err := holders[i].lock(); err != nil {
						return err
					}
					now := time.Now()
					mu.Lock()
					if !freed.IsZero() {
						took = append(took, float64(now.Sub(freed))/float64(time.Microsecond))
					}
					mu.Unlock()
					ask[1-i] <- true
					time.Sleep(holdFor)
					mu.Lock()
					freed = time.Now()
					mu.Unlock()
					if err := holders[i].unlock(); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	var err error
	for range holders {
		err = errors.Join(err, <-failed)
	}
	if err != nil {
		return 0, err
	}
	return median(took), nil
}

func troupeLeases(ctx context.Context, l *lab, s size) (values []float64, err error) {
	err = l.shared(ctx, s, 2, func(clients []*socket.Client) error {
		var holders [2]holder
		for i, c := range clients {
			holders[i] = holder{
				lock: func() error {
					_, err := c.Ask(&socket.Request{Op: "lock", Paths: []string{"it"}, Hold: true}, nil)
					return err
				},
				unlock: func() error {
					_, err := c.Ask(&socket.Request{Op: "unlock", Paths: []string{"it"}}, nil)
					return err
				},
			}
		}
		took, err := handOver(s.ticks, holders)
		values = []float64{took, took}
		return err
	})
	return values, err
}

// pollEvery is how often gofrs/flock is used to look.
const pollEvery = 10 * time.Millisecond

func floorLeases(ctx context.Context, l *lab, s size) (values []float64, err error) {
	waits := []func(*flock.Flock) error{
		(*flock.Flock).Lock,
		func(f *flock.Flock) error { _, err := f.TryLockContext(ctx, pollEvery); return err },
	}
	for _, wait := range waits {
		var holders [2]holder
		for i := range holders {
			f := flock.New(filepath.Join(l.dir, "it.lock"))
			defer func() { _ = f.Close() }()
			holders[i] = holder{func() error { return wait(f) }, f.Unlock}
		}
		took, err := handOver(s.ticks, holders)
		if err != nil {
			return nil, err
		}
		values = append(values, took)
	}
	return values, nil
}

// committed is what each commit makes of its file.
func committed(n int) string { return fmt.Sprintf("%064d\n", n) }

func troupeCommits(ctx context.Context, l *lab, s size) (values []float64, err error) {
	err = l.shared(ctx, s, s.agents, func(clients []*socket.Client) error {
		each := s.ticks / len(clients)
		failed := make(chan error, len(clients))
		begun := time.Now()
		for i, c := range clients {
			go func() { failed <- commitAll(c, fmt.Sprintf("f%d", i), each) }()
		}
		var err error
		for range clients {
			err = errors.Join(err, <-failed)
		}
		values = perSecond(each*len(clients), time.Since(begun))
		return err
	})
	return values, err
}

func commitAll(c *socket.Client, path string, times int) error {
	var base *int
	for n := range times {
		text := committed(n)
		reply, err := c.Ask(&socket.Request{Op: "commit", Files: []socket.Change{{Path: path, Base: base, Text: &text}}}, nil)
		if err != nil {
			return err
		}
		base = reply.Version
	}
	return nil
}

// floorCommits writes as many files as there are commits, one after the other: by
// another name first. Where commits outlive the machine, each is synced.
func floorCommits(_ context.Context, l *lab, s size) ([]float64, error) {
	begun := time.Now()
	for n := range s.ticks {
		if err := replaceFile(filepath.Join(l.dir, "file"), committed(n), s.durability == plan.DurableMachine); err != nil {
			return nil, err
		}
	}
	return perSecond(s.ticks, time.Since(begun)), nil
}

func replaceFile(path, text string, sync bool) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil && sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
