package bus

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// A guest is an agent's program, and what the supervisor hears of it.
type guest struct {
	seat *Seat
	nc   *nats.Conn
	errs <-chan error
	line *Line
	said chan string
	gone chan string
}

// admitted seats an agent in channels and connects its program, which answers
// what it is asked with what it was asked.
func admitted(t *testing.T, b *Bus, id string, channels ...string) *guest {
	t.Helper()
	return admittedAt(t, b, Rate{}, id, channels...)
}

func admittedAt(t *testing.T, b *Bus, rate Rate, id string, channels ...string) *guest {
	t.Helper()
	seat, err := b.Seat("r", id, rate, channels)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(seat.Close)
	g := &guest{seat: seat, said: make(chan string, 16), gone: make(chan string, 1)}
	g.nc, g.errs = observe(t, b, seat.Credentials(), nats.CustomInboxPrefix(seat.Inbox()))
	if _, err := g.nc.Subscribe(Ask("r", id), func(m *nats.Msg) { _ = m.Respond(m.Data) }); err != nil {
		t.Fatal(err)
	}
	g.line, err = seat.Await(t.Context(), Ear{
		Said: func(data []byte) []byte { g.said <- string(data); return []byte("got " + string(data)) },
		Gone: func(why string) { g.gone <- why },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// listens subscribes.
func (g *guest) listens(t *testing.T, subject string) *nats.Subscription {
	t.Helper()
	sub, err := g.nc.SubscribeSync(subject)
	if err == nil {
		err = g.nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// denied is what it is told that listens where it may not.
func (g *guest) denied(t *testing.T, subject string) string {
	t.Helper()
	g.listens(t, subject)
	err := <-g.errs
	if !errors.Is(err, nats.ErrPermissionViolation) {
		t.Errorf("%s: got %v, want a violation of permissions", subject, err)
		return ""
	}
	return err.Error()
}

// TestSeat: a program is asked and answers, in order with what it publishes; its
// requests are answered to its own inbox.
func TestSeat(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	g := admitted(t, b, "ann", "square")
	g.line.Tell([]byte("a line"))
	if got := <-g.said; got != "a line" {
		t.Errorf("answered %q", got)
	}
	inbox := g.listens(t, g.seat.Inbox()+".1")
	for _, reply := range []string{Log("r"), Msg("r", "ann", "bob"), g.seat.Inbox() + ".1"} {
		if err := g.nc.PublishRequest(Out("r", "ann"), reply, []byte("x"+reply)); err != nil {
			t.Fatal(err)
		}
		if got := <-g.said; got != "x"+reply {
			t.Errorf("got %q", got)
		}
	}
	m, err := inbox.NextMsg(patience)
	if err != nil || string(m.Data) != "got x"+g.seat.Inbox()+".1" {
		t.Errorf("told %v, %v", m, err)
	}
	g.line.Finish()
	if why := <-g.gone; why != "it was told to stop" {
		t.Errorf("gone: %s", why)
	}
}

// TestSeatAnswers: however often it is asked, its answers are not too many.
func TestSeatAnswers(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	g := admitted(t, b, "ann")
	for i := range 3 * Usual.Burst {
		g.line.Tell([]byte("a line"))
		select {
		case <-g.said:
		case <-time.After(patience):
			t.Fatalf("answer %d was not taken", i+1)
		}
	}
}

// TestSeatRate: what it may publish is the seat's to say; what is more is told back,
// and does no harm.
func TestSeatRate(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	g := admittedAt(t, b, Rate{Burst: 2, Second: 1e-3}, "ann")
	say := func() string {
		m, err := g.nc.Request(Out("r", "ann"), []byte("x"), patience)
		if err != nil {
			t.Fatal(err)
		}
		return string(m.Data)
	}
	const dropped = `{"error":"too many messages: this one was dropped"}`
	for i, want := range []string{"got x", "got x", dropped, dropped} {
		if got := say(); got != want {
			t.Errorf("message %d: %s", i, got)
		}
	}
	g.line.Tell([]byte("a line")) // which may be answered
	for _, want := range []string{"x", "x", "a line"} {
		if got := <-g.said; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestSeatChannels: who joins a channel may listen to it at once, and who leaves
// it may not; a connection that has is cut.
func TestSeatChannels(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	g := admitted(t, b, "ann")
	den := Chan("r", "den", "*")
	there, nowhere := g.denied(t, den), g.denied(t, Chan("r", "nowhere", "*"))
	if strings.ReplaceAll(there, "den", "nowhere") != nowhere {
		t.Errorf("a channel that is there is told from one that is not:\n%s\n%s", there, nowhere)
	}
	g.seat.Join([]string{"den"})
	sub := g.listens(t, den)
	if err := b.Publish(Chan("r", "den", "bob"), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if m, err := sub.NextMsg(patience); err != nil || string(m.Data) != "hello" {
		t.Fatalf("got %v, %v", m, err)
	}
	g.seat.Join([]string{"square"})
	if why := <-g.gone; why != "it has left a channel that it listened to" || !g.line.Dismissed() {
		t.Errorf("gone: %s", why)
	}
	// Who has not listened stays, and is refused from then on.
	g = admitted(t, b, "eve", "den")
	g.seat.Join(nil)
	g.denied(t, den)
	g.line.Tell([]byte("still there"))
	if got := <-g.said; got != "still there" {
		t.Errorf("answered %q", got)
	}
}

// TestSeatFloodOfBytes: so is who publishes few messages that are too much together.
func TestSeatFloodOfBytes(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	g := admittedAt(t, b, Rate{Bytes: 1 << 20}, "ann")
	go func() {
		for range g.errs { // until its connection ends
		}
	}()
	go func() {
		for text := make([]byte, 1<<20); g.nc.Publish(Log("r"), text) == nil; {
		}
	}()
	if why := <-g.gone; !strings.HasPrefix(why, "it was cut off: it published") || !strings.Contains(why, "bytes") {
		t.Errorf("gone: %s", why)
	}
}

// TestSeatIsPrivate: one program has nothing of another's, nor of the server's, and
// learns nothing of the channels that there are, whether it asks for their traffic,
// the store's or the server's. What it was refused is what it would be if there were
// nothing there.
func TestSeatIsPrivate(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	if _, err := b.CreateStream("r"); err != nil {
		t.Fatal(err)
	}
	ann, eve := admitted(t, b, "ann", "den"), admitted(t, b, "eve", "square")
	for _, subject := range []string{
		ann.seat.Inbox() + ".>", ann.seat.Inbox() + ".1", "_INBOX.>", Ask("r", "ann"), Out("r", "ann"), Out("r", "*"), Msg("r", "*", "ann"),
		Chan("r", "den", "*"), Chan("r", "*", "*"), Log("r"), All("r"), ">", "$JS.>", "$JS.EVENT.>", "$SYS.>", "$SYS.ACCOUNT.$G.>",
	} {
		eve.denied(t, subject)
	}
	for _, subject := range []string{
		ann.seat.Inbox() + ".1", Out("r", "ann"), Ask("r", "ann"), Chan("r", "den", "eve"), Chan("r", "square", "eve"), Msg("r", "eve", "ann"),
		"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.r", "$JS.API.STREAM.MSG.GET.r",
		"$JS.API.DIRECT.GET.r", "$JS.API.CONSUMER.CREATE.r", "$JS.ACK.r.x", "$SYS.REQ.USER.INFO", "$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.ACCOUNT.PING.SUBSZ",
	} {
		if err := eve.nc.PublishRequest(subject, eve.seat.Inbox()+".1", nil); err != nil {
			t.Fatal(err)
		}
		refused(t, eve.nc, eve.errs)
	}
	// What is the ended one's is over: it is cut off, and so is nobody else.
	ann.seat.Close()
	if why := <-ann.gone; why != "its connection to the bus has ended" {
		t.Errorf("gone: %s", why)
	}
	for range ann.errs { // until its connection is closed
	}
	eve.line.Tell([]byte("still there"))
	if got := <-eve.said; got != "still there" {
		t.Errorf("answered %q", got)
	}
}

// TestSeatIsSingle: one connection at a time, and none once it is closed.
func TestSeatIsSingle(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	g := admitted(t, b, "ann")
	c := g.seat.Credentials()
	connect := func() error {
		nc, err := nats.Connect("nats://"+b.Addr(), nats.UserInfo(c.User, c.Password), nats.NoReconnect())
		if err == nil {
			nc.Close()
		}
		return err
	}
	if err := connect(); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a second connection: %v", err)
	}
	g.nc.Close()
	if why := <-g.gone; why != "its connection to the bus has ended" {
		t.Errorf("gone: %s", why)
	}
	if err := connect(); err != nil {
		t.Errorf("the next connection: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.seat.Await(ctx, Ear{}); !errors.Is(err, ErrAbsent) {
		t.Errorf("nobody is there: %v", err)
	}
	g.seat.Close()
	if err := connect(); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("after the end: %v", err)
	}
}

// TestSeatFlood: who publishes far more than it may is cut off, wherever it
// publishes to.
func TestSeatFlood(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	for _, subject := range []string{Out("r", "ann"), Log("r")} {
		g := admittedAt(t, b, Rate{Burst: 10, Far: 100}, "ann")
		go func() {
			for range g.errs { // until its connection ends
			}
		}()
		go func() {
			for g.nc.Publish(subject, []byte("x")) == nil {
			}
		}()
		for over := false; !over; {
			select {
			case <-g.said:
			case why := <-g.gone:
				over = true
				if !strings.HasPrefix(why, "it was cut off: it published") {
					t.Errorf("%s: gone: %s", subject, why)
				}
			}
		}
		g.seat.Close()
	}
}

// TestSeatIsHeard: who has come is listened to by then.
func TestSeatIsHeard(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	for range 20 {
		g := admitted(t, b, "ann")
		if b.srv.GlobalAccount().Interest(Out("r", "ann")) == 0 {
			t.Fatal("nobody takes what it says")
		}
		g.seat.Close()
		<-g.gone
	}
}
