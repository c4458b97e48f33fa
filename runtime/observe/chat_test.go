package observe

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/troupe-dev/troupe/runtime/record"
)

// An echoing run commits a tick for each message that comes from outside, and one
// with the agent's answer to it, to others' ears too.
type echoing struct {
	Outside
	h    *house
	mu   sync.Mutex
	tick int
}

func (e *echoing) Send(_ context.Context, m Message) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if strings.Contains(string(m.Body), "rude") {
		return 0, fmt.Errorf("%w: that is rude", ErrRefused)
	}
	e.h.commit("r", &record.Record{Tick: e.tick, Messages: []record.Message{{From: m.From, To: m.To, Body: m.Body}}})
	e.h.commit("r", &record.Record{Tick: e.tick + 1, Messages: []record.Message{
		{From: "ann", To: "eve", Body: []byte(`"not for you"`)},
		{From: "ann", To: m.From, Body: []byte(`"lost"`), Refused: true},
		{From: "ann", Channel: "square", Body: []byte(`"\nevent: message\n\n"`)},
		{From: "ann", To: m.From, Body: fmt.Appendf(nil, `{"you":%s}`, m.Body)},
	}})
	e.tick += 2
	return e.tick - 2, nil
}

// dial opens a chat with an agent of run r.
func (c *client) dial(t *testing.T, path string) (conn *websocket.Conn, status int, err error) {
	t.Helper()
	conn, res, err := websocket.Dial(t.Context(), "ws://troupe/v1/runs/"+path, &websocket.DialOptions{HTTPClient: &c.http, Subprotocols: []string{chatProtocol}})
	if res != nil {
		status = res.StatusCode
		if res.Body != nil {
			_ = res.Body.Close()
		}
	}
	return conn, status, err
}

func chatting(t *testing.T) (*house, *client) {
	t.Helper()
	h, c := open(t)
	h.run("r", 0, true)
	h.commit("r", &record.Record{Tick: 0, Messages: []record.Message{{From: "ann", To: "ada", Body: []byte(`"before"`)}}})
	h.live("r").Outside = &echoing{h: h, tick: 1}
	return h, c
}

func hears(t *testing.T, conn *websocket.Conn, want string) {
	t.Helper()
	if _, got, err := conn.Read(t.Context()); err != nil || string(got) != want {
		t.Errorf("heard %s, %v; want %s", got, err, want)
	}
}

func chatSays(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// TestChat: each is told what the other has said once it is on record, and nobody
// else's words.
func TestChat(t *testing.T) {
	h, c := chatting(t)
	conn, _, err := c.dial(t, "r/agents/ann/chat?as=ada")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	other, _, err := c.dial(t, "r/agents/ann/chat?as=eve")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.CloseNow() }()
	if p := conn.Subprotocol(); p != chatProtocol {
		t.Errorf("the protocol is %q", p)
	}
	for i, x := range []struct {
		say  string
		hear []string
	}{
		{`{"body":"hello"}`, []string{`{"tick":1,"from":"ada","body":"hello"}`, `{"tick":2,"from":"ann","body":{"you":"hello"}}`}},
		{`{"body":"rude"}`, []string{`{"error":"the run does not take it: that is rude"}`}},
		{`{"text":1}`, []string{`{"error":"cannot read the message: body is missing"}`}},
		{`{`, []string{`{"error":"cannot read the message: unexpected end of JSON input"}`}},
		{`{"body":null}`, []string{`{"tick":3,"from":"ada","body":null}`, `{"tick":4,"from":"ann","body":{"you":null}}`}},
	} {
		chatSays(t, conn, x.say)
		for _, want := range x.hear {
			hears(t, conn, want)
		}
		if i == 0 {
			hears(t, other, `{"tick":2,"from":"ann","body":"not for you"}`)
		}
	}
	h.live("r").Over()
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("once the run is over: %v", err)
	}
}

// TestChatsEnd: whatever ends one leaves nothing behind; see TestMain.
func TestChatsEnd(t *testing.T) {
	_, c := chatting(t)
	for range 4 {
		conn, _, err := c.dial(t, "r/agents/ann/chat?as=ada")
		if err != nil {
			t.Fatal(err)
		}
		chatSays(t, conn, `{"body":"hello"}`)
		_ = conn.CloseNow()
	}
	long, _, err := c.dial(t, "r/agents/ann/chat?as=bea")
	if err != nil {
		t.Fatal(err)
	}
	chatSays(t, long, `{"body":"`+strings.Repeat("x", mostBody)+`"}`)
	if _, _, err := long.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("a message that is too long: %v", err)
	}
	open, _, err := c.dial(t, "r/agents/ann/chat?as=cleo") // until the supervisor ends
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = open.CloseNow() })
}

func TestNoChat(t *testing.T) {
	h, c := chatting(t)
	h.run("over", 0, false)
	for path, status := range map[string]int{
		"none/agents/ann/chat?as=ada": http.StatusNotFound,
		"over/agents/ann/chat?as=ada": http.StatusPreconditionFailed,
		"r/agents/bob/chat?as=ada":    http.StatusNotFound,
		"r/agents/ann/chat":           http.StatusBadRequest,
		"r/agents/ann/chat?as=a.b":    http.StatusBadRequest,
		"r/agents/ann/chat?as=ann":    http.StatusUnprocessableEntity,
	} {
		conn, got, err := c.dial(t, path)
		if err == nil {
			_ = conn.CloseNow()
		}
		if err == nil || got != status {
			t.Errorf("%s: %d, %v; want %d", path, got, err, status)
		}
	}
}

// A tick is read once for a chat, however many messages there are in it.
func TestChatOfMany(t *testing.T) {
	const many = 2000
	r := &record.Record{}
	for range many {
		r.Messages = append(r.Messages, record.Message{From: "ann", To: "eve", Body: []byte(`"none of your business"`)})
	}
	r.Messages = append(r.Messages, record.Message{From: "ann", To: "ada", Body: []byte(`"hello"`)})
	tick := chunk{text: sseOf(r, [record.HashSize]byte{})}
	c := &chat{agent: "ann", as: "ada"}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	heard := 0
	if err := c.hear(tick, func(said) error { heard++; return nil }); err != nil || heard != 1 {
		t.Errorf("heard %d, %v; want 1", heard, err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > many*4096 {
		t.Errorf("it takes %d KiB for a tick of %d KiB", took>>10, len(tick.text)>>10)
	}
}
