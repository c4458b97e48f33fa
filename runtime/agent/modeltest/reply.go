package modeltest

import (
	"cmp"
	"fmt"
	"time"
)

// A Reply is what the model answers, and how the answer arrives. The zero
// Reply is an answer with no content.
type Reply struct {
	Thinking   string
	Text       string // or the message of an error
	Tools      []ToolUse
	StopReason string // "" is tool_use where tools are called, else end_turn
	Usage      Usage  // the zero one is DefaultUsage

	Status     int           // 4xx or 5xx: an error instead of an answer
	RetryAfter time.Duration // of an error: its header, in whole seconds; 0 is none

	Delay time.Duration // before the first byte
	Pause time.Duration // before each event of a stream but the first
	Sent  func(n int)   // is told of each event, or half, that has gone out, with its number from 1 on; nil for nobody
	Fail  Failure
	After int // how much is sent before it fails: events, or halves of a whole answer
}

// A ToolUse is a tool that the model calls.
type ToolUse struct {
	Name      string
	Namespace string // in the Responses API: of the tools of an MCP server
	Input     any    // an object, for encoding/json; nil is {}
}

// Usage is what an answer took, in tokens. As in the API, Input leaves out
// those of the cache.
type Usage struct{ Input, Output, CacheRead, CacheWrite int }

// DefaultUsage is what an answer took whose reply does not say.
var DefaultUsage = Usage{Input: 100, Output: 20}

// A Failure is how an answer breaks off. With After 0 it does so before its
// first byte, headers included; with an After beyond its end, after all of it.
type Failure int

// The failures.
const (
	None   Failure = iota
	Hang           // nothing more comes until the client goes away or Close
	Cut            // the connection breaks
	Garble         // an event, or a rest, that is no JSON, and then a proper end
	Abort          // overloaded_error in mid-stream, and then a proper end; without a stream, its status
)

func (r *Reply) stopReason() string {
	if r.StopReason == "" && len(r.Tools) > 0 {
		return "tool_use"
	}
	return cmp.Or(r.StopReason, "end_turn")
}

// A block is a part of an answer, in the API's form.
type block struct {
	kind, name, id, text string
	input                any
}

// blocks are the parts of the answer, in their order. Their ids are like none
// before in the conversation, even if it began with another server.
func (r *Reply) blocks(q *Request) []block {
	var all []block
	if r.Thinking != "" {
		all = append(all, block{kind: "thinking", text: r.Thinking})
	}
	if r.Text != "" {
		all = append(all, block{kind: "text", text: r.Text})
	}
	for i, tool := range r.Tools {
		input := tool.Input
		if input == nil {
			input = struct{}{}
		}
		all = append(all, block{kind: "tool_use", id: fmt.Sprintf("toolu_%s_%d", q.id(), i), name: tool.Name, input: input})
	}
	return all
}

// id is the part of an id that names the answer to a request.
func (r *Request) id() string { return fmt.Sprintf("%d_%d", len(r.Messages), r.N) }
