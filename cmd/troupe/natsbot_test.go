package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// A natsBot is the program of an agent of kind nats: natsbot MODE [FILE], where
// the file holds its credentials, else the environment. It counts what it was
// asked, and says what it heard, so that whatever it forgets or is told twice
// shows in its answers.
type natsBot struct {
	badge natsBadge
	nc    *nats.Conn
	errs  chan error
	mode  func(b *natsBot, o *natsAsk)

	asked   int
	actions map[string]any // beside the usual, by mode
	told    bool           // to stop
	over    chan struct{}
	listens []*nats.Subscription
}

type natsBadge struct {
	URL, User, Password, Run, Agent, Ask, Out, Inbox string
	Listen                                           []string
}

type natsAsk struct {
	Type     string
	Agent    string
	Reason   string
	Tick     int
	Attempt  int
	Messages []struct {
		From, Channel string
		Body          json.RawMessage
	}
	Results []json.RawMessage
	State   int
}

// natsModes are what a bot does before it answers.
var natsModes = map[string]func(*natsBot, *natsAsk){
	"plain": func(*natsBot, *natsAsk) {},
	// sends publishes a message ahead of its act.
	"sends": cry,
	// dies sends and is gone in tick 2, the first time.
	"dies": func(b *natsBot, o *natsAsk) {
		cry(b, o)
		if once := os.Getenv("ONCE"); o.Tick == 2 && !there(once) {
			_ = os.WriteFile(once, nil, 0o600)
			os.Exit(3)
		}
	},
	// listens subscribes to its channels in tick 0.
	"listens": func(b *natsBot, o *natsAsk) {
		for _, subject := range b.badge.Listen {
			if o.Tick == 0 {
				_, _ = b.nc.SubscribeSync(subject)
			}
		}
		_ = b.nc.Flush()
	},
	// overhears listens from tick 0 on, and says what it heard that way.
	"overhears": func(b *natsBot, o *natsAsk) {
		for _, subject := range b.badge.Listen {
			if o.Tick == 0 {
				sub, _ := b.nc.SubscribeSync(subject)
				b.listens = append(b.listens, sub)
			}
		}
		_ = b.nc.Flush()
		live := []string{}
		for _, sub := range b.listens {
			for n, _, _ := sub.Pending(); n > 0; n-- {
				m, _ := sub.NextMsg(observing)
				live = append(live, string(m.Data))
			}
		}
		b.actions["live"] = live
	},
	// hangs never answers in tick 1.
	"hangs": func(_ *natsBot, o *natsAsk) {
		if o.Tick == 1 {
			select {}
		}
	},
	"attacks": attackBus,
	"raids":   raidBus,
	// floods publishes for as long as it is let.
	"floods": func(b *natsBot, o *natsAsk) {
		for o.Tick == 1 && b.nc.Publish(b.badge.Out, []byte(`{"channel":"square","body":1}`)) == nil {
		}
	},
}

func cry(b *natsBot, o *natsAsk) {
	b.actions["said"] = b.say(fmt.Sprintf(`{"channel":"square","body":"%s in tick %d"}`, b.badge.Agent, o.Tick))
}

func there(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// natsBotMain runs the bot until it is told to stop, or may not be there.
func natsBotMain(args []string) int {
	text := []byte(os.Getenv("TROUPE_NATS"))
	if len(args) > 1 {
		var err error
		if text, err = os.ReadFile(args[1]); err != nil {
			fmt.Fprintln(os.Stderr, "natsbot:", err)
			return 1
		}
	}
	b := &natsBot{mode: natsModes[args[0]], errs: make(chan error, 64), over: make(chan struct{}, 1)}
	err := json.Unmarshal(text, &b.badge)
	if err == nil {
		b.nc, err = b.badge.connect(b.errs, nats.ClosedHandler(func(*nats.Conn) { b.over <- struct{}{} }))
	}
	if err == nil {
		_, err = b.nc.Subscribe(b.badge.Ask, b.hear)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "natsbot:", err)
		return 1
	}
	<-b.over
	if !b.told {
		fmt.Fprintln(os.Stderr, "natsbot: the bus is gone")
		return 1
	}
	return 0
}

func (g natsBadge) connect(errs chan<- error, more ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(g.URL, append([]nats.Option{
		nats.UserInfo(g.User, g.Password), nats.CustomInboxPrefix(g.Inbox), nats.MaxReconnects(100),
		nats.ReconnectWait(10 * time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			select {
			case errs <- err:
			default:
			}
		}),
	}, more...)...)
}

// hear takes one line.
func (b *natsBot) hear(m *nats.Msg) {
	var o natsAsk
	if err := json.Unmarshal(m.Data, &o); err != nil {
		fmt.Fprintln(os.Stderr, "natsbot:", err)
		return
	}
	switch o.Type {
	case "init":
		b.asked = o.State
		_ = b.nc.Publish(b.badge.Out, []byte(`{"type":"log","text":"begins"}`))
		_ = m.Respond(fmt.Appendf(nil, `{"type":"ready","agent":%q}`, o.Agent))
	case "observe":
		b.asked++
		b.actions = map[string]any{"asked": b.asked, "heard": len(o.Messages)}
		b.mode(b, &o)
		act, _ := json.Marshal(map[string]any{"type": "act", "agent": o.Agent, "tick": o.Tick, "action": b.actions})
		_ = m.Respond(act)
	case "snapshot":
		_ = m.Respond(fmt.Appendf(nil, `{"type":"state","agent":%q,"state":%d}`, o.Agent, b.asked))
	case "stop":
		fmt.Println("told to stop:", o.Reason)
		b.told = true
		b.nc.Close()
	}
}

// say publishes something and gives what is said of it.
func (b *natsBot) say(what string) string {
	m, err := b.nc.Request(b.badge.Out, []byte(what), observing)
	if err != nil {
		return err.Error()
	}
	return string(m.Data)
}

// attackBus tries what an agent must not do, in tick 1, and answers with all that
// was not refused.
func attackBus(b *natsBot, o *natsAsk) {
	if o.Tick != 1 {
		return
	}
	r := "troupe." + b.badge.Run
	var let []string
	try := func(what string, err error) {
		if err := isRefused(b.nc, b.errs, err); err != nil {
			let = append(let, what+": "+err.Error())
		}
	}
	for _, subject := range []string{
		">", "troupe.>", r + ".>", "*.*.>", r + ".ask.*", r + ".ask.bob", r + ".out.*", r + ".out." + b.badge.Agent,
		r + ".msg.>", r + ".msg.*.*", r + ".msg.*.bob", r + ".msg." + b.badge.Agent + ".*", r + ".chan.>", r + ".chan.*.*",
		r + ".chan.den.*", r + ".chan.den.bob", r + ".chan.nowhere.*", r + ".log", r + ".tick", r + ".run.*", r + ".agent.>",
		"_INBOX.>", "_INBOX.*.*", "$JS.>", "$JS.EVENT.ADVISORY.>", "$SYS.>", "$KV.>",
	} {
		_, err := b.nc.SubscribeSync(subject)
		try("subscribe "+subject, err)
		_, err = b.nc.QueueSubscribeSync(subject, "q")
		try("queue "+subject, err)
	}
	for _, subject := range []string{
		r + ".out.bob", r + ".ask.bob", r + ".ask." + b.badge.Agent, r + ".msg.bob." + b.badge.Agent, r + ".msg." + b.badge.Agent + ".bob",
		r + ".chan.square." + b.badge.Agent, r + ".log", r + ".tick", r + ".run.finished", r + ".agent.bob.stopped",
		"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO." + b.badge.Run, "$JS.API.STREAM.MSG.GET." + b.badge.Run,
		"$JS.API.DIRECT.GET." + b.badge.Run, "$JS.API.CONSUMER.CREATE." + b.badge.Run, "$JS.API.STREAM.PURGE." + b.badge.Run,
		"$JS.API.STREAM.DELETE." + b.badge.Run, "$SYS.REQ.SERVER.PING", "$SYS.REQ.USER.INFO", "_INBOX.x", "other",
	} {
		try("publish "+subject, b.nc.PublishRequest(subject, b.badge.Inbox+".x", []byte(`{}`)))
	}
	// The supervisor, who may do all, answers to the agent's own inbox alone.
	for _, reply := range []string{r + ".ask.bob", r + ".msg.ann.bob", r + ".log", "$JS.API.STREAM.DELETE." + b.badge.Run} {
		_ = b.nc.PublishRequest(b.badge.Out, reply, []byte(`{"channel":"square","body":"deputy"}`))
	}
	b.actions["deputy"] = b.say(`{"channel":"square","body":"after them"}`)
	b.actions["unknown"] = []string{b.say(`{"to":"bob"}`), b.say(`not JSON`)}
	for what, g := range map[string]natsBadge{
		"a second connection": b.badge,
		"a wrong password":    {User: b.badge.User, Password: "x"},
		"the supervisor":      {User: "supervisor", Password: b.badge.Password},
		"nobody":              {},
	} {
		if err := b.admitted(g); !errors.Is(err, nats.ErrAuthorization) {
			let = append(let, fmt.Sprintf("connect as %s: %v", what, err))
		}
	}
	b.actions["let"] = let
}

// admitted connects with other credentials, and gives the server's error.
func (b *natsBot) admitted(g natsBadge) error {
	g.URL, g.Inbox = b.badge.URL, b.badge.Inbox // which is not what it is refused for
	nc, err := g.connect(b.errs, nats.NoReconnect())
	if err == nil {
		nc.Close()
	}
	return err
}

// isRefused is nil where the server has refused what was just done.
func isRefused(nc *nats.Conn, errs <-chan error, err error) error {
	if err := errors.Join(err, nc.Flush()); err != nil {
		return err
	}
	select {
	case err := <-errs:
		if errors.Is(err, nats.ErrPermissionViolation) || strings.Contains(err.Error(), "Permissions Violation") {
			return nil
		}
		return err
	case <-time.After(observing):
		return errors.New("not refused")
	}
}
