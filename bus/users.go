package bus

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
)

const supervisorUser = "supervisor"

// Credentials are what a client of the bus logs in with.
type Credentials struct {
	User, Password string
}

// users decides who may connect and what they may do. The server asks it at
// each connection.
type users struct {
	secret string // the supervisor's password; it never leaves the process
	srv    *server.Server

	mu     sync.Mutex
	byName map[string]*user
	others clients // all but the supervisor's
}

type user struct {
	password    string
	permissions *server.Permissions
	clients     clients
	// login is the newest connection of who may have one at a time; nil for
	// everybody else, and for nobody yet.
	single bool
	login  *login
	came   chan struct{} // has one element after a login, for who awaits it
}

// A login is one connection that was let in.
type login struct {
	id   uint64
	addr string
	auth server.ClientAuthentication
	left atomic.Bool // it was cut since it has left a channel
}

// clients are the ids of connections, some of which may be gone.
type clients struct {
	ids   []uint64
	prune int // number of ids at which the gone ones are dropped
}

func (c *clients) add(id uint64, gone func(uint64) bool) {
	if len(c.ids) >= c.prune {
		c.ids = slices.DeleteFunc(c.ids, gone)
		c.prune = 2*len(c.ids) + 16
	}
	c.ids = append(c.ids, id)
}

func newUsers() *users {
	return &users{secret: randomHex(32), byName: map[string]*user{}}
}

func randomHex(n int) string {
	p := make([]byte, n)
	_, _ = rand.Read(p) // never fails
	return hex.EncodeToString(p)
}

// Check implements server.Authentication.
func (u *users) Check(c server.ClientAuthentication) bool {
	got := c.GetOpts()
	if got.Username == supervisorUser {
		addr := c.RemoteAddress()
		if addr == nil || addr.Network() != "pipe" || !same(got.Password, u.secret) {
			return false
		}
		c.RegisterUser(&server.User{Username: supervisorUser})
		return true
	}
	return u.admit(got.Username, got.Password, c)
}

// admit notes the connection and gives it its permissions under the same lock
// that revoke and permit take, so that none slips through between the two.
func (u *users) admit(name, password string, c server.ClientAuthentication) bool {
	id := c.GetID()
	u.mu.Lock()
	defer u.mu.Unlock()
	who, ok := u.byName[name]
	if !ok || !same(password, who.password) || who.single && who.login != nil && !u.gone(who.login.id) {
		return false
	}
	who.clients.add(id, u.gone)
	u.others.add(id, u.gone)
	c.RegisterUser(&server.User{Username: name, Permissions: who.permissions})
	if who.single {
		who.login = &login{id: id, auth: c}
		if at := c.RemoteAddress(); at != nil {
			who.login.addr = at.String()
		}
		select {
		case who.came <- struct{}{}:
		default:
		}
	}
	return true
}

func (u *users) gone(id uint64) bool { return u.srv.GetClient(id) == nil }

// present says whether anybody but the supervisor is connected. A client is
// noted here before the server reads what it subscribes to.
func (u *users) present() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := u.others.ids
	for len(ids) > 0 && u.gone(ids[len(ids)-1]) {
		ids = ids[:len(ids)-1]
	}
	u.others.ids = ids
	return len(ids) > 0
}

// subscribed says whether anybody but the supervisor has a subscription.
func (u *users) subscribed() bool {
	u.mu.Lock()
	ids := slices.Clone(u.others.ids)
	u.mu.Unlock()
	return slices.ContainsFunc(ids, func(id uint64) bool {
		info, err := u.srv.Connz(&server.ConnzOptions{CID: id})
		return err == nil && len(info.Conns) == 1 && info.Conns[0].NumSubs > 0
	})
}

func (u *users) add(name string, p *server.Permissions) Credentials {
	c := Credentials{User: name + "-" + randomHex(4), Password: randomHex(16)}
	u.put(c, &user{permissions: p})
	return c
}

func (u *users) put(c Credentials, who *user) {
	u.mu.Lock()
	defer u.mu.Unlock()
	who.password = c.Password
	u.byName[c.User] = who
}

// forget lets a user in no more; nil for one that nobody knows.
func (u *users) forget(name string) *user {
	u.mu.Lock()
	defer u.mu.Unlock()
	who := u.byName[name]
	delete(u.byName, name)
	return who
}

func (u *users) revoke(name string) {
	who := u.forget(name)
	if who == nil {
		return
	}
	for _, id := range who.clients.ids { // no login adds one any more
		_ = u.srv.DisconnectClientByID(id) // an error says that it is gone already
	}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Observer registers a new observer of one run: it may subscribe to the run's
// subjects, save what is said between the supervisor and single agents, and
// can publish nothing. The credentials hold until Retire, Revoke or Close.
func (b *Bus) Observer(run string) (Credentials, error) {
	if err := CheckToken(run); err != nil {
		return Credentials{}, fmt.Errorf("cannot let an observer in: run %w", err)
	}
	return b.users.add("observer", &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{">"}},
		Subscribe: &server.SubjectPermission{
			Allow: []string{All(run)},
			Deny:  []string{asks(run), outs(run)},
		},
	}), nil
}

// Revoke ends credentials: nobody connects with them again, and who is
// connected is cut off.
func (b *Bus) Revoke(c Credentials) { b.users.revoke(c.User) }

// Retire ends credentials for whoever is not connected: nobody connects with them
// again. Who is hears what is said until it leaves.
func (b *Bus) Retire(c Credentials) { b.users.forget(c.User) }

// permit gives a user's next connections their permissions, and says which one
// is there already.
func (u *users) permit(who *user, p *server.Permissions) *login {
	u.mu.Lock()
	defer u.mu.Unlock()
	who.permissions = p
	return u.alive(who)
}

// newest is the connection of a user that may have one at a time; nil where it
// has none.
func (u *users) newest(who *user) *login {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.alive(who)
}

func (u *users) alive(who *user) *login {
	if who.login == nil || u.gone(who.login.id) {
		return nil
	}
	return who.login
}

// cut ends a connection. Its credentials still hold.
func (u *users) cut(l *login) { _ = u.srv.DisconnectClientByID(l.id) }
