package supervisor

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/socket"
	"github.com/troupe-dev/troupe/runtime/tree"
)

const (
	// usualTTL is how long a lease lasts where nothing is said.
	usualTTL = 30 * time.Second
	mostTTL  = 24 * time.Hour

	holderGone = "its holder is gone"
)

// tenures are the leases of one process that last a time, by ticket. The zero
// value is ready.
type tenures struct {
	mu     sync.Mutex
	timers map[int]*tenure
	ends   sync.WaitGroup // of what ends them
}

type tenure struct {
	timer *time.Timer
	agent string
	token int
}

// atOnce has a request decided now.
func (d *desk) atOnce(ctx context.Context, id string, x *agent.Request, reply func(*socket.Reply) error) error {
	if again, err := d.again(id, x, reply); again {
		return err
	}
	out := &socket.Reply{OK: true, Realtime: true}
	var err error
	switch x.Op {
	case agent.OpCommit:
		var version int
		version, out.Tick, err = d.fleet.opts.Requests.Commit(ctx, id, *x)
		out.Version = &version
	case agent.OpUnlock:
		out.Tick, err = d.fleet.opts.Requests.Unlock(ctx, id, x.Paths)
	case agent.OpSend:
		out.Tick, err = d.fleet.opts.Requests.SendAs(ctx, id, x.Send)
	}
	var moved *tree.MovedError
	if errors.As(err, &moved) {
		out = &socket.Reply{Error: err.Error()}
		if moved.Now != nil {
			out.Moved = &socket.File{File: *moved.Now}
		}
		return reply(out)
	}
	if err != nil {
		return err
	}
	return reply(out)
}

// lock has a lease granted, however long that takes, and sees to its end: its
// time, or its holder's. A connection that ends meanwhile gives it up.
func (d *desk) lock(ctx context.Context, id string, r *socket.Request, paths []string, reply func(*socket.Reply) error) error {
	ttl, err := term(r.Seconds)
	if err != nil {
		return err
	}
	if again, err := d.again(id, &agent.Request{Op: agent.OpLock, Paths: paths}, reply); again {
		return err
	}
	ticket, token, err := d.fleet.opts.Requests.Lock(ctx, id, paths)
	if err != nil {
		return err
	}
	d.tenures.begin(ticket, &tenure{agent: id, token: token}, ttl, func() { d.release(ticket, "its time was over") })
	if r.Hold {
		d.tenures.ends.Go(func() {
			<-ctx.Done()
			d.release(ticket, holderGone)
		})
	}
	if err = reply(&socket.Reply{OK: true, Realtime: true, Lease: tree.Granted, Token: token}); err != nil {
		d.release(ticket, holderGone) // who does not know that it has it
	}
	return err
}

func term(seconds float64) (time.Duration, error) {
	ttl := time.Duration(seconds * float64(time.Second))
	switch {
	case seconds == 0:
		return usualTTL, nil
	case ttl <= 0 || ttl > mostTTL:
		return 0, errors.New("a lease lasts up to 24 hours")
	}
	return ttl, nil
}

// release ends a lease, once.
func (d *desk) release(ticket int, why string) {
	if d.tenures.end(ticket) {
		d.fleet.opts.Requests.Release(context.Background(), ticket, why)
	}
}

// vacate ends all leases of a process that is gone for good. Its agent may live on,
// and have another answer for it.
func (d *desk) vacate() {
	for _, ticket := range d.tenures.tickets() {
		d.release(ticket, holderGone)
	}
	d.tenures.ends.Wait()
}

// renew has a lease last on from now.
func renew(_ context.Context, d *desk, id string, r *socket.Request, reply func(*socket.Reply) error) error {
	ttl, err := term(r.Seconds)
	if err != nil {
		return err
	}
	if v, err := d.host.present(id); (err != nil || !v.past) && !d.tenures.renew(id, r.Token, ttl) {
		return errors.New("there is no such lease any more")
	}
	return reply(&socket.Reply{OK: true, Realtime: true})
}

func (t *tenures) begin(ticket int, x *tenure, ttl time.Duration, over func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timers == nil {
		t.timers = map[int]*tenure{}
	}
	t.timers[ticket] = x
	t.ends.Add(1)
	x.timer = time.AfterFunc(ttl, func() {
		defer t.ends.Done()
		over()
	})
}

// end says whether a tenure was there.
func (t *tenures) end(ticket int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.timers[ticket]
	if x == nil {
		return false
	}
	t.drop(ticket)
	return true
}

// drop is called with mu held.
func (t *tenures) drop(ticket int) {
	if t.timers[ticket].timer.Stop() {
		t.ends.Done()
	}
	delete(t.timers, ticket)
}

// tickets are those of all that have not ended.
func (t *tenures) tickets() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.timers))
}

func (t *tenures) renew(id string, token int, ttl time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range t.timers {
		if x.agent == id && x.token == token {
			if !x.timer.Stop() {
				return false // it is over in this moment
			}
			x.timer.Reset(ttl)
			return true
		}
	}
	return false
}
