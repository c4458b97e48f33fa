package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/troupe-dev/troupe/bus"
)

const (
	// chatProtocol is the subprotocol of a chat.
	chatProtocol = "troupe.v1"
	// mostUnsent is how many messages of a chat may wait for their record.
	mostUnsent = 16
)

// A chat is what somebody outside says to one agent of a run that is played, and
// what they are told by it.
type chat struct {
	*source
	out       Outside
	agent, as string
	from      int // the tick it begins in
}

// A said is one message of a chat, in either direction, once it is on record.
type said struct {
	Tick int             `json:"tick"`
	From string          `json:"from"`
	Body json.RawMessage `json:"body"`
}

// chat begins one, until release. The name is one that no agent has.
func (s *Store) chat(ctx context.Context, run, agent, as string) (_ *chat, release func(), err error) {
	out, err := s.outsideOf(run)
	if err != nil {
		return nil, nil, err
	}
	src, release, err := s.read(ctx, run)
	if err != nil {
		return nil, nil, err
	}
	_, known := src.plan.EntryOf(agent)
	_, taken := src.plan.EntryOf(as)
	switch {
	case !known:
		err = fmt.Errorf("%w: run %s has no agent %s", ErrNoAgent, run, agent)
	case as == "":
		err = fmt.Errorf("%w: as is missing, the name of who talks to the agent", errRequest)
	case bus.CheckToken(as) != nil:
		err = fmt.Errorf("%w: as: %w", errRequest, bus.CheckToken(as))
	case taken:
		err = fmt.Errorf("%w: %s is the name of an agent: nobody else can talk in its name", ErrRefused, as)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return &chat{src, out, agent, as, src.ticks()}, release, nil
}

// follow calls hear with each message between the two, in order, until the run is
// over.
func (c *chat) follow(ctx context.Context, hear func(said) error) error {
	for tick := c.from; ; {
		chunks, err := c.events.next(ctx, ctx, tick)
		if err != nil || len(chunks) == 0 {
			return err
		}
		for _, chunk := range chunks {
			if err := c.hear(chunk, hear); err != nil {
				return err
			}
			tick = chunk.tick + 1
		}
	}
}

// hear finds the messages of one tick.
func (c *chat) hear(tick chunk, hear func(said) error) error {
	for rest := tick.text; len(rest) > 0; {
		var event []byte
		event, rest, _ = bytes.Cut(rest, []byte("\n\n"))
		if !bytes.HasPrefix(event, []byte("event: message\n")) {
			continue
		}
		_, line, _ := bytes.Cut(event, []byte("\ndata: "))
		var m struct {
			said
			To      string
			Refused bool
		}
		if err := json.Unmarshal(line, &m); err != nil {
			return err
		}
		if !m.Refused && (m.From == c.agent && m.To == c.as || m.From == c.as && m.To == c.agent) {
			if err := hear(m.said); err != nil {
				return err
			}
		}
	}
	return nil
}

// chatRoutes is that of chats. In: {"body": …}; out: {"tick", "from", "body"} once a
// message is on record, one's own too, and {"error"} for one that is not taken. What
// the agent says in channels and to others is not part of it. In lockstep an agent
// gets a message with its next observation, and so answers in a later tick.
func chatRoutes(mux *routes, runs Runs) {
	f, _ := runs.(follower)
	mux.HandleFunc("GET /v1/runs/{run}/agents/{agent}/chat", func(w http.ResponseWriter, r *http.Request) {
		c, release, err := f.chat(r.Context(), r.PathValue("run"), r.PathValue("agent"), r.URL.Query().Get("as"))
		if err != nil {
			fail(w, err)
			return
		}
		defer release()
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{chatProtocol}})
		if err != nil {
			return // who asked has been told
		}
		defer func() { _ = conn.CloseNow() }()
		conn.SetReadLimit(mostBody)
		defer context.AfterFunc(r.Context(), func() { _ = conn.CloseNow() })()
		c.serve(r.Context(), conn)
	})
}

// serve talks over a connection until it breaks, or the run is over.
func (c *chat) serve(ctx context.Context, conn *websocket.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	waiting := make(chan json.RawMessage, mostUnsent)
	others.Go(func() {
		defer cancel()
		c.listen(ctx, conn, waiting)
	})
	others.Go(func() { c.pass(ctx, conn, waiting) })
	others.Go(func() {
		defer cancel()
		keepAlive(ctx, conn)
	})
	if c.follow(ctx, func(s said) error { return tellChat(ctx, conn, s) }) == nil {
		_ = conn.Close(websocket.StatusNormalClosure, "the run is over")
	}
}

// listen takes what comes in, until the connection breaks.
func (c *chat) listen(ctx context.Context, conn *websocket.Conn, waiting chan<- json.RawMessage) {
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var in struct{ Body json.RawMessage }
		if err = json.Unmarshal(text, &in); err == nil && in.Body == nil {
			err = fmt.Errorf("body is missing")
		}
		if err != nil {
			err = chatError(ctx, conn, fmt.Errorf("cannot read the message: %w", err))
		} else {
			select {
			case waiting <- in.Body:
			default:
				err = chatError(ctx, conn, fmt.Errorf("%d messages wait for their tick already: this one is not sent", mostUnsent))
			}
		}
		if err != nil {
			return
		}
	}
}

// pass puts messages into the run, in order.
func (c *chat) pass(ctx context.Context, conn *websocket.Conn, waiting <-chan json.RawMessage) {
	for {
		select {
		case body := <-waiting:
			if _, err := c.out.Send(ctx, Message{From: c.as, To: c.agent, Body: body}); err != nil && ctx.Err() == nil {
				_ = chatError(ctx, conn, err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// keepAlive returns once the other end does not answer any more.
func keepAlive(ctx context.Context, conn *websocket.Conn) {
	for {
		select {
		case <-time.After(heartbeat):
		case <-ctx.Done():
			return
		}
		timed, cancel := context.WithTimeout(ctx, writePatience)
		err := conn.Ping(timed)
		cancel()
		if err != nil {
			return
		}
	}
}

func chatError(ctx context.Context, conn *websocket.Conn, err error) error {
	return tellChat(ctx, conn, map[string]string{"error": err.Error()})
}

func tellChat(ctx context.Context, conn *websocket.Conn, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, text)
}
