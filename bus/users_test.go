package bus

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

const patience = 10 * time.Second

// observe connects over TCP, as another process would. Its errors arrive on
// the channel.
func observe(t *testing.T, b *Bus, c Credentials, more ...nats.Option) (*nats.Conn, <-chan error) {
	t.Helper()
	errs := make(chan error, 16)
	nc, err := nats.Connect("nats://"+b.Addr(), append(more, nats.UserInfo(c.User, c.Password), nats.NoReconnect(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { errs <- err }),
		nats.ClosedHandler(func(*nats.Conn) { close(errs) }))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc, errs
}

func observer(t *testing.T, b *Bus, run string) Credentials {
	t.Helper()
	c, err := b.Observer(run)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAwaited: from a subscription on, and not from a connection.
func TestAwaited(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	nc, _ := observe(t, b, observer(t, b, "r"))
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if b.Awaited() {
		t.Error("with a client that has not subscribed")
	}
	if _, err := nc.SubscribeSync(All("r")); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if !b.Awaited() {
		t.Error("not with a subscription")
	}
}

func TestObserverSeesTheRun(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	nc, _ := observe(t, b, observer(t, b, "r"))
	sub, err := nc.SubscribeSync(All("r"))
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	sent := []string{Msg("r", "a", "b"), Msg("other", "a", "b"), Ask("r", "a"), Out("r", "a"), Tick("r"), Run("r", "finished")}
	for _, s := range sent {
		if err := b.Publish(s, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{Msg("r", "a", "b"), Tick("r"), Run("r", "finished")} {
		m, err := sub.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		if m.Subject != want || string(m.Data) != want {
			t.Errorf("got %q with %q, want %q", m.Subject, m.Data, want)
		}
	}
}

func TestObserverMayNothingElse(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	if _, err := b.CreateStream("r"); err != nil {
		t.Fatal(err)
	}
	c := observer(t, b, "r")
	for _, subject := range []string{All("other"), ">", "troupe.>", "troupe.*.tick", "_INBOX.>", "$JS.>", "$SYS.>", Ask("r", "a"), Out("r", "*")} {
		t.Run("subscribe "+subject, func(t *testing.T) {
			nc, errs := observe(t, b, c)
			if _, err := nc.SubscribeSync(subject); err != nil {
				t.Fatal(err)
			}
			refused(t, nc, errs)
		})
	}
	for _, subject := range []string{Msg("r", "a", "b"), Log("r"), Out("r", "a"), "$JS.API.STREAM.INFO.r", "$JS.API.DIRECT.GET.r", "$JS.API.STREAM.DELETE.r", "$SYS.REQ.SERVER.PING", "x"} {
		t.Run("publish "+subject, func(t *testing.T) {
			nc, errs := observe(t, b, c)
			if err := nc.PublishRequest(subject, Tick("r"), nil); err != nil {
				t.Fatal(err)
			}
			refused(t, nc, errs)
		})
	}
}

func refused(t *testing.T, nc *nats.Conn, errs <-chan error) {
	t.Helper()
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := <-errs; !errors.Is(err, nats.ErrPermissionViolation) {
		t.Errorf("got %v, want a violation of permissions", err)
	}
}

func TestWhoGetsIn(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	c := observer(t, b, "r")
	for name, o := range map[string]nats.Option{
		"nobody":                  nats.UserInfo("", ""),
		"a stranger":              nats.UserInfo("eve", "x"),
		"a wrong password":        nats.UserInfo(c.User, c.Password+"x"),
		"no password":             nats.UserInfo(c.User, ""),
		"the supervisor over TCP": nats.UserInfo(supervisorUser, b.users.secret),
	} {
		nc, err := nats.Connect("nats://"+b.Addr(), o)
		if err == nil {
			nc.Close()
		}
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	for _, run := range []string{"", ">", "*", "a.b"} {
		if _, err := b.Observer(run); err == nil {
			t.Errorf("Observer(%q) gives credentials", run)
		}
	}
}

func TestRevoke(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	c, other := observer(t, b, "r"), observer(t, b, "r")
	_, first := observe(t, b, c)
	_, second := observe(t, b, c)
	stays, _ := observe(t, b, other)
	b.Revoke(c)
	b.Revoke(c)
	for range first {
	}
	for range second { // both loops end once the server has cut the connection
	}
	if _, err := nats.Connect("nats://"+b.Addr(), nats.UserInfo(c.User, c.Password)); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("revoked credentials give %v, want a refusal", err)
	}
	if err := stays.Flush(); err != nil {
		t.Errorf("the other observer is cut off too: %v", err)
	}
}

// Who is connected hears to the end what is said, and does not come back.
func TestRetire(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	c := observer(t, b, "r")
	nc, _ := observe(t, b, c)
	heard, err := nc.SubscribeSync(All("r"))
	if err := errors.Join(err, nc.Flush()); err != nil {
		t.Fatal(err)
	}
	b.Retire(c)
	b.Retire(c)
	if _, err := nats.Connect("nats://"+b.Addr(), nats.UserInfo(c.User, c.Password)); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("retired credentials give %v, want a refusal", err)
	}
	if err := b.Publish(Tick("r"), []byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := heard.NextMsg(10 * time.Second); err != nil {
		t.Errorf("who was connected hears nothing: %v", err)
	}
}

// What clients do wrong is no fault of the store's: an append has as much patience
// while they do.
func TestMisdeedsAreNoFaults(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	nc, errs := observe(t, b, observer(t, b, "r"))
	before, _ := b.log.errors()
	if err := errors.Join(nc.Publish("r", nil), nc.Flush()); err != nil {
		t.Fatal(err)
	}
	if err := <-errs; !errors.Is(err, nats.ErrPermissionViolation) {
		t.Fatalf("it may publish: %v", err)
	}
	if _, err := nats.Connect("nats://"+b.Addr(), nats.UserInfo("nobody", "none")); !errors.Is(err, nats.ErrAuthorization) {
		t.Fatalf("anybody may connect: %v", err)
	}
	if after, _ := b.log.errors(); after != before {
		last, _ := b.log.since(before)
		t.Errorf("the store is blamed for what a client did: %s", last)
	}
}

func TestReconnectsAreForgotten(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	c := observer(t, b, "r")
	for range 100 {
		nc, err := nats.Connect("nats://"+b.Addr(), nats.UserInfo(c.User, c.Password), nats.NoReconnect())
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
	}
	b.users.mu.Lock()
	defer b.users.mu.Unlock()
	if n := len(b.users.byName[c.User].clients.ids); n > 60 {
		t.Errorf("%d connections are remembered of 100 that are gone", n)
	}
}

func TestSlowObserverHoldsNobodyUp(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	nc, _ := observe(t, b, observer(t, b, "r"))
	hold := make(chan struct{})
	if _, err := nc.Subscribe(All("r"), func(*nats.Msg) { <-hold }); err != nil {
		t.Fatal(err)
	}
	defer close(hold)
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 1<<20)
	for i := range 200 {
		if err := b.Publish(Tick("r"), data); err != nil {
			t.Fatal(fmt.Errorf("publication %d: %w", i, err))
		}
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Who has subscribed is known before anything of the next tick is published.
func TestHeard(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	s := create(t, b, "r")
	appendAll(t, s, "one")
	readAll(t, s, 1) // over a connection of the supervisor's own
	if b.Heard() {
		t.Error("somebody hears though nobody is there")
	}
	c := observer(t, b, "r")
	for range 20 {
		nc, _ := observe(t, b, c)
		sub, err := nc.SubscribeSync(Tick("r"))
		if err == nil {
			err = nc.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		if !b.Heard() {
			t.Fatal("nobody hears an observer's subscription")
		}
		if err := b.Publish(Tick("r"), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := sub.NextMsg(patience); err != nil {
			t.Fatal(err)
		}
		nc.Close()
	}
	stays, _ := observe(t, b, c)
	b.Revoke(c)
	for stays.IsConnected() || b.Heard() { // until the server has let go of it
		goruntime.Gosched()
	}
}
