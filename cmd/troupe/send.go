package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/socket"
)

// waitFlag is of commands that speak to a run.
var waitFlag = &cli.DurationFlag{Name: "wait", Usage: "wait up to so long (`10s`) for the run to be there"}

var sendCommand = &cli.Command{
	Name:      "send",
	Usage:     "send a message to an agent or a channel of a running run",
	ArgsUsage: "[RUN] [BODY|-]",
	Description: "BODY is JSON; what is no JSON is sent as text, and - reads it from standard input. Without\n" +
		"it null is sent. Prints the tick in whose record the message is, once that is acknowledged:\n" +
		"from then on it outlives the death of any process. Inside an agent no RUN is\n" +
		"named, and the message is the agent's own.",
	Flags: []cli.Flag{
		dataFlag, waitFlag, askerFlag,
		&cli.StringFlag{Name: "to", Usage: "the `AGENT` that it is for"},
		&cli.StringFlag{Name: "channel", Usage: "the `CHANNEL` that it is for"},
		&cli.StringFlag{Name: "from", Usage: "the `NAME` that it is from; no agent's", Value: "outside"},
	},
	Action: func(c *cli.Context) error {
		if (c.String("to") == "") == (c.String("channel") == "") {
			return usage("send wants one of --to AGENT and --channel CHANNEL")
		}
		if os.Getenv(socket.Variable) != "" && c.NArg() <= 1 && !c.IsSet("data") {
			return sendAsAgent(c)
		}
		if c.NArg() < 1 || c.NArg() > 2 {
			return usage("send wants a run, and one body at most; see troupe send --help")
		}
		body, err := messageBody(c.Args().Tail(), os.Stdin)
		if err != nil {
			return err
		}
		m := observe.Message{From: c.String("from"), To: c.String("to"), Channel: c.String("channel"), Body: body}
		return putIn(c, func(ctx context.Context, runs observe.Runs) (int, error) { return runs.Send(ctx, c.Args().First(), m) })
	},
}

// sendAsAgent sends in the name of the agent whose process this is.
func sendAsAgent(c *cli.Context) (err error) {
	body, err := messageBody(c.Args().Slice(), os.Stdin)
	if err != nil {
		return err
	}
	client, err := socket.Dial()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	reply, err := client.Ask(&socket.Request{
		Op: agent.OpSend, Agent: c.String("agent"), To: c.String("to"), Channel: c.String("channel"), Body: body,
	}, nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, reply.Tick)
	return err
}

// messageBody is what an argument says, as JSON; null for none.
func messageBody(arg []string, stdin io.Reader) (json.RawMessage, error) {
	if len(arg) == 0 {
		return json.RawMessage("null"), nil
	}
	text := []byte(arg[0])
	if arg[0] == "-" {
		var err error
		if text, err = io.ReadAll(stdin); err != nil {
			return nil, fmt.Errorf("cannot read the message from standard input: %w", err)
		}
	}
	return jsonOr(text), nil
}

// jsonOr is JSON as it is, and all else as a text.
func jsonOr(text []byte) json.RawMessage {
	if value, err := agent.Compact(nil, text); err == nil {
		return value
	}
	return agent.AppendString(nil, string(text))
}

var addCommand = &cli.Command{
	Name:        "add",
	Usage:       "add an agent to a running run",
	ArgsUsage:   "RUN AGENT",
	Description: "The agent belongs to the entry with max whose id gives its name. Prints the tick.",
	Flags:       []cli.Flag{dataFlag, waitFlag, &cli.StringFlag{Name: "config", Usage: "a `JSON` object, put over the entry's config"}},
	Action: func(c *cli.Context) error {
		if c.NArg() != 2 {
			return usage("add wants a run and an agent; see troupe add --help")
		}
		a := observe.Agent{ID: c.Args().Get(1)}
		if text := c.String("config"); text != "" {
			var object map[string]any
			if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
				return usage("--config wants a JSON object, such as '{\"trade\":\"smith\"}'")
			}
			a.Config = json.RawMessage(text)
		}
		return putIn(c, func(ctx context.Context, runs observe.Runs) (int, error) {
			return runs.AddAgent(ctx, c.Args().First(), a)
		})
	},
}

var removeCommand = &cli.Command{
	Name:      "remove",
	Usage:     "end an agent of a running run",
	ArgsUsage: "RUN AGENT",
	Flags:     []cli.Flag{dataFlag, waitFlag},
	Action: func(c *cli.Context) error {
		if c.NArg() != 2 {
			return usage("remove wants a run and an agent; troupe rm removes whole runs")
		}
		return putIn(c, func(ctx context.Context, runs observe.Runs) (int, error) {
			return runs.RemoveAgent(ctx, c.Args().First(), c.Args().Get(1))
		})
	},
}

// putIn hands something to a running run and prints the tick of its record.
func putIn(c *cli.Context, put func(context.Context, observe.Runs) (int, error)) error {
	ctx, release := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
	defer release()
	runs, err := observe.OpenRunning(ctx, c.String("data"), c.Command.Name, c.Args().First(), c.Duration("wait"))
	if err != nil {
		return explain(err)
	}
	tick, err := put(ctx, runs)
	if cerr := runs.Close(); err == nil {
		err = cerr
	}
	switch {
	case errors.Is(err, context.Canceled):
		return exit{code: exitInterrupted}
	case err != nil:
		return explain(err)
	}
	_, err = fmt.Fprintln(os.Stdout, tick)
	return err
}
