package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// chat [-over] WHERE PATH [TOKEN] talks to an agent over a WebSocket, where and as
// whom fetch asks, but for the token, which goes as a browser sends it. It says each
// line of its input once the one before was answered, and prints what it hears. With
// -over it stays until it is hung up on, and prints why. Who is not let in prints the
// status, and what is said about it.
func chat(args []string) int {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	over := flags.Bool("over", false, "")
	if err := flags.Parse(args); err != nil || flags.NArg() < 2 || flags.NArg() > 3 {
		fmt.Fprintln(os.Stderr, "usage: chat [-over] where path [token]")
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := chatted(ctx, *over, flags.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func chatted(ctx context.Context, over bool, args []string) error {
	conn, err := enter(ctx, args)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := conn.Write(ctx, websocket.MessageText, lines.Bytes()); err != nil {
			return err
		}
		for answered := false; !answered; {
			if answered, err = heardAnswer(ctx, conn, args[1]); err != nil {
				return err
			}
		}
	}
	if !over {
		return conn.Close(websocket.StatusNormalClosure, "")
	}
	for err == nil {
		_, err = heardAnswer(ctx, conn, args[1])
	}
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return err
	}
	fmt.Println(closed.Code, closed.Reason)
	return nil
}

// enter opens the chat.
func enter(ctx context.Context, args []string) (*websocket.Conn, error) {
	client, base, err := reach(args[0])
	if err != nil {
		return nil, err
	}
	client.Timeout = 0 // of all that is said
	o := &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"troupe.v1"}}
	if len(args) == 3 {
		token, err := os.ReadFile(args[2])
		if err != nil {
			return nil, err
		}
		o.Subprotocols = append(o.Subprotocols, "bearer."+strings.TrimSpace(string(token)))
	}
	conn, res, err := websocket.Dial(ctx, base+args[1], o)
	if res != nil && res.Body != nil {
		defer func() { _ = res.Body.Close() }()
	}
	switch {
	case err == nil && conn.Subprotocol() != "troupe.v1":
		return conn, fmt.Errorf("the protocol is %q", conn.Subprotocol())
	case err != nil && res != nil:
		said, _ := io.ReadAll(res.Body)
		return nil, fmt.Errorf("%d %s", res.StatusCode, said)
	}
	return conn, err
}

// heardAnswer prints what is heard next, and says whether it is more than one's own
// words on record.
func heardAnswer(ctx context.Context, conn *websocket.Conn, path string) (bool, error) {
	_, text, err := conn.Read(ctx)
	if err != nil {
		return false, err
	}
	fmt.Printf("%s\n", text)
	var m struct{ From string }
	err = json.Unmarshal(text, &m)
	return !strings.HasSuffix(path, "as="+m.From), err
}

// answerer is an agent that answers each message to it alone, and tells its channel
// and others of that.
func answerer() int {
	agent.Serve(func(o agent.Observation) agent.Reply {
		reply := o.Act(len(o.Messages))
		for _, m := range o.Messages {
			if m.Channel == "" {
				reply = reply.Send(m.From, map[string]any{"re": json.RawMessage(m.Body)}).Say("square", "I was asked").Send("bob", "I was asked")
			}
		}
		return reply
	})
	return 0
}
