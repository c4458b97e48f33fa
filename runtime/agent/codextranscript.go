package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// A codexItem is one part of a turn in the tool's stream. Which fields are set
// depends on its type.
type codexItem struct {
	ID, Type string
	Text     string // of agent_message and reasoning
	Message  string // of error
	Status   string

	Command string // of command_execution, as the next two
	Output  string `json:"aggregated_output"`
	Exit    *int   `json:"exit_code"`

	Server    string          // of mcp_tool_call, as the next three
	Tool      string          // and of collab_tool_call
	Arguments json.RawMessage //
	Result    *codexResult    //
	Error     *struct{ Message string }

	Query   string          // of web_search
	Changes json.RawMessage // of file_change
	Prompt  string          // of collab_tool_call
	Items   []struct {      // of todo_list
		Text      string
		Completed bool
	}
}

// A codexResult is what an MCP server answered.
type codexResult struct{ Content json.RawMessage }

// call is the item as a call of a tool; ok is false for what is none.
func (i *codexItem) call() (name string, input json.RawMessage, ok bool) {
	switch i.Type {
	case "command_execution":
		return i.Type, i.object("command", i.Command), true
	case "mcp_tool_call":
		return "mcp__" + i.Server + "__" + i.Tool, i.Arguments, true
	case "collab_tool_call":
		return i.Tool, i.object("prompt", i.Prompt), true
	case "web_search":
		return i.Type, i.object("query", i.Query), true
	case "file_change":
		return i.Type, append(append([]byte(`{"changes":`), i.Changes...), '}'), true
	}
	return "", nil, false
}

func (i *codexItem) object(key, value string) json.RawMessage {
	return append(AppendString(append(AppendString([]byte{'{'}, key), ':'), value), '}')
}

// result is how a call ended, as text.
func (i *codexItem) result() (text string, failed bool) {
	switch {
	case i.Error != nil:
		text = i.Error.Message
	case i.Result != nil:
		text = (&claudeBlock{Content: i.Result.Content}).result()
	default:
		text = i.Output
	}
	return text, i.Status == "failed" || i.Status == "declined" || i.Error != nil
}

// codexTranscript writes prompt, reasoning, tool calls with their results, reply
// and use.
func codexTranscript(w io.Writer, l *TranscriptLine) {
	var text string
	switch {
	case l.Start != nil:
		claudeStart(w, l.Start)
	case l.In != nil:
		if json.Unmarshal(l.In, &text) != nil { // a message that is JSON itself
			text = string(l.In)
		}
		part(w, "message", strings.TrimSuffix(text, "\n"))
	default:
		codexOut(w, l.Out)
	}
}

func codexOut(w io.Writer, line []byte) {
	var l codexLine
	if json.Unmarshal(line, &l) != nil {
		return
	}
	switch l.Type {
	case "item.completed":
		l.Item.write(w)
	case "error":
		part(w, "warning", l.Message)
	case "turn.completed":
		var u Usage
		l.Usage.into(&u)
		part(w, "end", fmt.Sprintf("answered\n%d tokens in and %d out (cache: %d read, %d written) by the thread so far",
			u.Input, u.Output, u.CacheRead, u.CacheWrite))
	case "turn.failed":
		f, detail := codexFailure(l.Error.Message)
		part(w, "end", fmt.Sprintf("%s: %s", f, detail))
	}
}

func (i *codexItem) write(w io.Writer) {
	switch i.Type {
	case "agent_message":
		part(w, "reply", i.Text)
		return
	case "reasoning":
		part(w, "reasoning", i.Text)
		return
	case "error":
		part(w, "warning", i.Message)
		return
	case "todo_list":
		var list strings.Builder
		for _, x := range i.Items {
			mark := " "
			if x.Completed {
				mark = "x"
			}
			fmt.Fprintf(&list, "[%s] %s\n", mark, x.Text)
		}
		part(w, "plan", strings.TrimSuffix(list.String(), "\n"))
		return
	}
	name, input, ok := i.call()
	if !ok {
		return
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, input, "", "  ") != nil {
		pretty.Write(input)
	}
	part(w, "tool "+name, pretty.String())
	title := "result"
	text, failed := i.result()
	if failed {
		title = "result (an error)"
	}
	part(w, title, strings.TrimSuffix(text, "\n"))
}

// codexCalls finds the calls of tools in a line of the tool's stream. An item is
// told when it begins and when it is done, and some only then.
func codexCalls(line []byte) (parts []CallPart) {
	var l codexLine
	if json.Unmarshal(line, &l) != nil {
		return nil
	}
	name, input, ok := l.Item.call()
	if !ok {
		return nil
	}
	switch l.Type {
	case "item.started":
		return []CallPart{{ID: l.Item.ID, Name: name, Input: input}}
	case "item.completed":
		text, failed := l.Item.result()
		return []CallPart{{ID: l.Item.ID, Ended: true, Result: text, Failed: failed}}
	}
	return nil
}
