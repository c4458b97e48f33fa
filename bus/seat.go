package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A Seat is the place of one agent on the bus: the credentials that its program
// connects with, from anywhere and in any language. With them it may be
// connected once at a time; listen to what it is asked, to what is said to it,
// and to its channels; and publish on Out, where its answers go too. It is told
// of nothing else: what it may not have looks like what is not there. Its
// methods may be called concurrently.
type Seat struct {
	bus     *Bus
	run, id string
	login   Credentials
	who     *user
	rate    Rate

	mu       sync.Mutex
	channels []string // sorted
}

// Seat makes a place for an agent of a run that may publish so much and is in those
// channels. It holds until Close.
func (b *Bus) Seat(run, id string, rate Rate, channels []string) (*Seat, error) {
	for _, token := range append([]string{run, id}, channels...) {
		if err := CheckToken(token); err != nil {
			return nil, fmt.Errorf("cannot seat agent %s on the bus: %w", id, err)
		}
	}
	rate = Rate{
		cmp.Or(rate.Burst, Usual.Burst), cmp.Or(rate.Second, Usual.Second), cmp.Or(rate.Far, Usual.Far), cmp.Or(rate.Bytes, Usual.Bytes),
	}
	s := &Seat{bus: b, run: run, id: id, rate: rate, login: Credentials{User: "agent-" + randomHex(4), Password: randomHex(16)}}
	s.channels = slices.Compact(slices.Sorted(slices.Values(channels)))
	s.who = &user{single: true, permissions: s.permissions(), came: make(chan struct{}, 1)}
	b.users.put(s.login, s.who)
	return s, nil
}

// Credentials are those of the program.
func (s *Seat) Credentials() Credentials { return s.login }

// Inbox is what the subjects begin with, up to a dot, where the program may have
// answers sent to.
func (s *Seat) Inbox() string { return "_INBOX." + s.login.User }

// Subjects are what the program may listen to beside its asks: what is said to
// it, and to its channels.
func (s *Seat) Subjects() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subjects()
}

func (s *Seat) subjects() []string {
	list := []string{Msg(s.run, "*", s.id)}
	for _, c := range s.channels {
		list = append(list, Chan(s.run, c, "*"))
	}
	return list
}

func (s *Seat) permissions() *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{Out(s.run, s.id)}},
		Subscribe: &server.SubjectPermission{
			Allow: append(s.subjects(), Ask(s.run, s.id), s.Inbox()+".>"),
		},
	}
}

// Join says which channels the agent is in from now on. A connection that has
// listened to one that it left is cut: it may come back.
func (s *Seat) Join(channels []string) {
	now := slices.Compact(slices.Sorted(slices.Values(channels)))
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(now, s.channels) {
		return
	}
	left := slices.DeleteFunc(slices.Clone(s.channels), func(c string) bool { return slices.Contains(now, c) })
	s.channels = now
	login := s.bus.users.permit(s.who, s.permissions())
	if login == nil {
		return
	}
	login.auth.RegisterUser(&server.User{Username: s.login.User, Permissions: s.permissions()})
	if len(left) > 0 && s.listens(login, left) {
		login.left.Store(true)
		s.bus.users.cut(login)
	}
}

// listens says whether a connection has subscribed to one of these channels.
func (s *Seat) listens(l *login, channels []string) bool {
	info, err := s.bus.srv.Connz(&server.ConnzOptions{CID: l.id, Subscriptions: true})
	if err != nil || len(info.Conns) != 1 {
		return false // it is gone
	}
	return slices.ContainsFunc(info.Conns[0].Subs, func(subject string) bool {
		return slices.ContainsFunc(channels, func(c string) bool {
			return strings.HasPrefix(subject, Chan(s.run, c, ""))
		})
	})
}

// Close revokes the credentials, and cuts whoever is connected with them.
func (s *Seat) Close() { s.bus.users.revoke(s.login.User) }

// lookEvery is how often it is looked whether a program is there: the server
// does not tell.
const lookEvery = 10 * time.Millisecond

// ErrAbsent says that nobody came.
var ErrAbsent = errors.New("no program is connected that listens to what it is asked")

// Await waits until a program is connected that listens to what it is asked,
// and speaks with it from then on. It fails with ErrAbsent when ctx ends before.
func (s *Seat) Await(ctx context.Context, e Ear) (*Line, error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if login := s.bus.users.newest(s.who); login != nil && s.bus.srv.GlobalAccount().Interest(Ask(s.run, s.id)) > 0 {
			return s.line(ctx, login, e)
		}
		select {
		case <-s.who.came:
		case <-look.C:
		case <-ctx.Done():
			return nil, ErrAbsent
		}
	}
}
