package supervisor

import (
	"errors"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/socket"
	"github.com/troupe-dev/troupe/runtime/tree"
)

// errNothingCame is what is said of a request that is not on record: it was refused
// then, or was not made.
var errNothingCame = errors.New("nothing came of this the first time: it is not on record")

// again answers a request that an agent makes while it is told its past, where it
// does nothing: as the record says, or, where the record is still to be written, that
// it is acknowledged. It says whether that is so, or whether nothing can be asked.
func (d *desk) again(id string, x *agent.Request, reply func(*socket.Reply) error) (again bool, err error) {
	v, err := d.host.present(id)
	switch {
	case err == nil && v.onRecord:
		return true, d.recall(id, x, reply)
	case err == nil && v.past:
		out := &socket.Reply{OK: true, Tick: v.tick}
		if x.Op == agent.OpLock {
			out.Lease = tree.Granted
		}
		return true, reply(out)
	case d.fleet.opts.Requests == nil: // it is executed again
		if err == nil {
			err = errNothingCame
		}
		return true, err
	case d.fleet.opts.Requests.Scene() == nil:
		return true, errNotBegun
	}
	return false, nil
}

func (d *desk) recall(id string, x *agent.Request, reply func(*socket.Reply) error) error {
	a, err := d.host.recall(id, *x)
	if err != nil {
		return err
	}
	if a == nil {
		return errNothingCame
	}
	out := &socket.Reply{OK: true, Realtime: true, Tick: a.Tick, Token: a.Token}
	switch a.Op {
	case agent.OpCommit:
		out.Version = &a.Version
	case agent.OpLock:
		out.Lease = tree.Granted
	}
	return reply(out)
}

// recall takes a request as the next of those on record that it may be: whoever asks
// in another order than then has what it skipped behind it. One that was made under a
// lease is none where its agent did not have that.
func (s *staged) recall(id string, x agent.Request, past *agent.Past) *agent.Asked {
	for i := s.recalled; i < len(past.Asked); i++ {
		a := &past.Asked[i]
		if !a.Is(&x) || x.Token > 0 && !a.Scene.Tree.Holds(id, x.Token) {
			continue
		}
		x.Position = i + 1
		s.list = append(s.list, x) // no more than there were
		s.bytes += x.Size()
		s.recalled = i + 1
		return a
	}
	return nil
}

// seen is what there was to see when so much of what is on record was asked for.
func (s *staged) seen(now *agent.Scene) *agent.Scene {
	if s.recalled < len(now.Past.Asked) {
		return now.Past.Asked[s.recalled].Scene
	}
	return now
}

// recorded has a view show what there was to see where the requests of an observe
// are on record.
func (v *view) recorded(o *agent.Observe, s *staged) {
	if o.Scene != nil && o.Scene.Past != nil {
		v.past, v.onRecord, v.scene = true, true, s.seen(o.Scene)
	}
}

// recall implements host.
func (p *resident) recall(id string, x agent.Request) (*agent.Asked, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, into, err := p.sitting(id)
	if err != nil || o.Scene == nil || o.Scene.Past == nil {
		return nil, err
	}
	return into.recall(id, x, o.Scene.Past), nil
}

// recall implements host.
func (t *turns) recall(id string, x agent.Request) (*agent.Asked, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.sitting(id); err != nil || t.asked.Scene == nil || t.asked.Scene.Past == nil {
		return nil, err
	}
	return t.staged.recall(id, x, t.asked.Scene.Past), nil
}
