package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/troupe-dev/troupe/runtime/socket"
)

// A tool is one that the server offers.
type tool struct {
	name        string
	description string
	schema      string // JSON Schema of the arguments: an object's
	reads       bool   // and changes nothing
	call        func(ctx context.Context, s *Server, args []byte) (text string, err error)
}

const (
	noArguments = `{"type":"object","properties":{},"additionalProperties":false}`
	paths       = `"paths":{"type":"array","items":{"type":"string"},"description":"Files and directories of the shared tree, relative to the working directory; \".\" is all of it."}`
	// Some clients take a property without a type, or with several, for a string.
	body = `"body":{"type":["string","object","array","number","boolean","null"],"description":"What to say: text, or any JSON."}`
	to   = `"to":{"type":"string","description":"The id of the agent that it is for."},"channel":{"type":"string","description":"The channel that it is for; either this or to."}`
)

// tools is the table of all of them. Texts and schemas are the same for all agents
// and at any time.
var tools = []tool{
	{
		name: "act",
		description: "Hand in your action for the observation that you have to answer. It counts once your turn ends, in place of what your answer says; of several calls the last one counts. " +
			"The action is a JSON object as the observation or its schema asks for. An action that the world refuses is told with the next attempt.",
		schema: `{"type":"object","properties":{"action":{"type":"object","description":"Your action.","additionalProperties":true},` +
			`"send":{"type":"array","description":"Messages that go with it.","items":{"type":"object","properties":{` + to + `,` + body + `},"required":["body"],"additionalProperties":false}},` +
			`"done":{"type":"boolean","description":"true ends your part for good: you are never asked again."}},"required":["action"],"additionalProperties":false}`,
		call: act,
	},
	{
		name: "observe",
		description: "Read the observation that you have to answer once more, as JSON: its tick, the observation, messages to you, what became of what you asked for (results) and, " +
			"where an earlier attempt was refused, its number and the error.",
		schema: noArguments, reads: true,
		call: observe,
	},
	{
		name:        "send_message",
		description: "Send a message to another agent, or to a channel. It arrives with their next observation.",
		schema:      `{"type":"object","properties":{` + to + `,` + body + `},"required":["body"],"additionalProperties":false}`,
		call:        sendMessage,
	},
	{
		name:        "read_messages",
		description: "Read the messages that came with your observation: a JSON list of who they are from, in which channel, and what they say.",
		schema:      noArguments, reads: true,
		call: readMessages,
	},
	{
		name:        "list_agents",
		description: "List the ids of the agents that live and that you may write to, yourself among them, as JSON.",
		schema:      noArguments, reads: true,
		call: listAgents,
	},
	{
		name: "checkout",
		description: "Bring files of the shared tree into the working directory, as they were when this turn began. Edit them there, then commit. " +
			"Changes that are not committed are in the way unless force gives them up.",
		schema: `{"type":"object","properties":{` + paths + `,"force":{"type":"boolean","description":"Give up changes that are not committed."}},"required":["paths"],"additionalProperties":false}`,
		call:   checkout,
	},
	{
		name: "commit",
		description: "Bring what is changed at some paths of the working directory into the shared tree: all of it, or, where another agent changed one of the files since it was checked out, nothing. " +
			"With merge, what others have changed is merged in first.",
		schema: `{"type":"object","properties":{` + paths + `,"message":{"type":"string","description":"What the change is for."},` +
			`"merge":{"type":"boolean","description":"Merge what others have changed first."},` +
			`"token":{"type":"integer","description":"The lease that the change was made under; found by itself where none is given."}},"required":["paths"],"additionalProperties":false}`,
		call: commit,
	},
	{
		name:        "lock",
		description: "Ask for a lease on paths of the shared tree: while it lasts, nobody else can commit to them or below.",
		schema: `{"type":"object","properties":{` + paths + `,"ticks":{"type":"integer","description":"How many ticks it lasts; none for no bound. Not under the realtime clock."},` +
			`"seconds":{"type":"number","description":"Under the realtime clock, how long it lasts."}},"required":["paths"],"additionalProperties":false}`,
		call: lock,
	},
	{
		name:        "unlock",
		description: "End your leases on paths, or no longer wait for them; without paths, all of them.",
		schema:      `{"type":"object","properties":{` + paths + `},"additionalProperties":false}`,
		call:        unlock,
	},
}

// arguments reads those of a call. One that is not known is an error, so that a model
// hears of it.
func arguments(text []byte, into any) error {
	if len(text) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more than one object")
		}
	}
	if err != nil {
		return fmt.Errorf("cannot read the arguments: %w", err)
	}
	return nil
}

func act(ctx context.Context, s *Server, args []byte) (string, error) {
	var in struct {
		Action json.RawMessage `json:"action"`
		Send   json.RawMessage `json:"send"`
		Done   bool            `json:"done"`
	}
	if err := arguments(args, &in); err != nil {
		return "", err
	}
	reply, err := s.ask(ctx, &socket.Request{Op: "act", Action: in.Action, Send: in.Send, Done: in.Done}, nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Taken as your action in tick %d. End your turn now.", reply.Tick), nil
}

func observe(ctx context.Context, s *Server, args []byte) (string, error) {
	if err := arguments(args, &struct{}{}); err != nil {
		return "", err
	}
	reply, err := s.ask(ctx, &socket.Request{Op: "observe"}, nil)
	if err != nil {
		return "", err
	}
	if len(reply.Observe) == 0 {
		return "You have no observation to answer.", nil
	}
	text := string(reply.Observe)
	if len(reply.Schema) > 0 {
		text += "\nThe action fits this JSON Schema: " + string(reply.Schema)
	}
	return text, nil
}

func sendMessage(ctx context.Context, s *Server, args []byte) (string, error) {
	var in struct {
		To      string          `json:"to"`
		Channel string          `json:"channel"`
		Body    json.RawMessage `json:"body"`
	}
	if err := arguments(args, &in); err != nil {
		return "", err
	}
	if len(in.Body) == 0 {
		return "", errors.New(`cannot send a message without "body"`)
	}
	reply, err := s.ask(ctx, &socket.Request{Op: "send", To: in.To, Channel: in.Channel, Body: in.Body}, nil)
	if err != nil {
		return "", err
	}
	if reply.Realtime {
		return "Sent.", nil
	}
	return decided("Sent", reply), nil
}

// decided says when something that was asked for is decided.
func decided(what string, r *socket.Reply) string {
	return fmt.Sprintf("%s as request %d: decided when tick %d ends.", what, r.Staged, r.Tick)
}

func readMessages(ctx context.Context, s *Server, args []byte) (string, error) {
	if err := arguments(args, &struct{}{}); err != nil {
		return "", err
	}
	list := []*socket.Message{}
	_, err := s.ask(ctx, &socket.Request{Op: "read_messages"}, func(r *socket.Reply) error {
		if r.Inbox != nil {
			list = append(list, r.Inbox)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return inJSON(list)
}

func listAgents(ctx context.Context, s *Server, args []byte) (string, error) {
	if err := arguments(args, &struct{}{}); err != nil {
		return "", err
	}
	reply, err := s.ask(ctx, &socket.Request{Op: "list_agents"}, nil)
	if err != nil {
		return "", err
	}
	return inJSON(reply.Agents)
}

func inJSON(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
}

// maxSeconds keeps a number of seconds a time.
const maxSeconds = 1 << 31

func seconds(n float64) time.Duration {
	return time.Duration(min(n, maxSeconds) * float64(time.Second))
}
