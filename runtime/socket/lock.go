package socket

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// A TTL is how long a lease is to last: so many ticks, or, under the realtime
// clock, a time; nothing for as long as is usual.
type TTL struct {
	Ticks int
	Time  time.Duration
}

// Lock asks for a lease on paths, under the realtime clock until it is granted.
// What the copy knows of leases on them that have ended is forgotten.
func (w *Copy) Lock(paths []string, ttl TTL) (*Reply, error) {
	reply, err := w.client.Ask(&Request{Op: "lock", Agent: w.Agent, Paths: paths, TTL: ttl.Ticks, Seconds: ttl.Time.Seconds()}, nil)
	if err == nil {
		err = w.forget(paths)
	}
	return reply, err
}

// Unlock ends leases that have one of the paths, or all of the agent's.
func (w *Copy) Unlock(paths []string) (*Reply, error) {
	reply, err := w.client.Ask(&Request{Op: "unlock", Agent: w.Agent, Paths: paths}, nil)
	if err == nil {
		err = w.forget(paths)
	}
	return reply, err
}

// forget has the notes say no more of leases on some paths, or of all. Where there are
// no notes, none are made.
func (w *Copy) forget(paths []string) error {
	if _, err := w.root.Lstat(notesFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return w.noting(func() error {
		w.forgetLeases(paths)
		return nil
	})
}

func (w *Copy) forgetLeases(paths []string) {
	for token, leased := range w.notes.Leases {
		if len(paths) == 0 || slices.ContainsFunc(paths, func(p string) bool {
			return under(p, leased) || slices.ContainsFunc(leased, func(l string) bool { return under(l, []string{p}) })
		}) {
			delete(w.notes.Leases, token)
			w.dirty = true
		}
	}
}

// usualHold is how long a held lease lasts that nobody renews.
const usualHold = 30 * time.Second

// Hold has a lease while something runs, which is told its token: it is renewed
// until then, and ends with the connection. The realtime clock alone has such.
func (c *Client) Hold(agent string, paths []string, ttl time.Duration, run func(token int) error) error {
	if ttl == 0 {
		ttl = usualHold
	}
	reply, err := c.Ask(&Request{Op: "lock", Agent: agent, Paths: paths, Seconds: ttl.Seconds(), Hold: true}, nil)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- run(reply.Token) }()
	renewal := time.NewTicker(ttl / 3)
	defer renewal.Stop()
	for lost := error(nil); ; {
		select {
		case err := <-done:
			if lost == nil { // so that it has ended when this returns
				_, lost = c.Ask(&Request{Op: "unlock", Agent: agent, Paths: paths}, nil)
			}
			if lost != nil {
				lost = fmt.Errorf("the lease was lost while the command ran: %w", lost)
			}
			return errors.Join(err, lost)
		case <-renewal.C:
		}
		if lost == nil && reply.Token > 0 {
			_, lost = c.Ask(&Request{Op: "renew", Agent: agent, Token: reply.Token, Seconds: ttl.Seconds()}, nil)
		}
	}
}
