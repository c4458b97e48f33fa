// Tit for tat as a program on the bus: an agent of kind nats, with the official
// client for Go. It is told what it needs by TROUPE_NATS where troupe starts it;
// started by hand, it reads a file: troupe credentials RUN AGENT >me.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
)

// A badge is what the program connects with.
type badge struct{ URL, User, Password, Agent, Ask, Out, Inbox string }

// A line is what the program is told.
type line struct {
	Type, Agent string
	Tick        int
	Observation struct {
		Last *struct{ Opponent string }
	}
}

func main() {
	if err := play(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play() error {
	text := []byte(os.Getenv("TROUPE_NATS"))
	if len(os.Args) > 1 {
		var err error
		if text, err = os.ReadFile(os.Args[1]); err != nil {
			return err
		}
	}
	var me badge
	if err := json.Unmarshal(text, &me); err != nil {
		return fmt.Errorf("cannot read what to connect with: %w", err)
	}
	over := make(chan struct{})
	nc, err := nats.Connect(me.URL, nats.UserInfo(me.User, me.Password), nats.CustomInboxPrefix(me.Inbox),
		nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond),
		nats.ClosedHandler(func(*nats.Conn) { close(over) }))
	if err != nil {
		return err
	}
	if _, err := nc.Subscribe(me.Ask, func(m *nats.Msg) { answer(nc, m) }); err != nil {
		return err
	}
	<-over
	return nil
}

// answer takes one line and answers it.
func answer(nc *nats.Conn, m *nats.Msg) {
	var l line
	if err := json.Unmarshal(m.Data, &l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	reply := map[string]any{"agent": l.Agent}
	switch l.Type {
	case "init":
		reply["type"] = "ready"
	case "observe":
		move := "C"
		if l.Observation.Last != nil {
			move = l.Observation.Last.Opponent
		}
		reply["type"], reply["tick"], reply["action"] = "act", l.Tick, map[string]string{"move": move}
	case "stop":
		nc.Close()
		return
	default:
		return
	}
	text, err := json.Marshal(reply)
	if err == nil {
		err = m.Respond(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
