package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// A claudeBlock is one part of a message in the tool's stream.
type claudeBlock struct {
	Type     string
	Text     string
	Thinking string
	ID       string
	Name     string
	Input    json.RawMessage
	Of       string `json:"tool_use_id"` // the call that a result is of
	Content  json.RawMessage
	IsError  bool `json:"is_error"`
}

// claudeTranscript writes prompt, reasoning, tool calls with their results,
// reply and cost.
func claudeTranscript(w io.Writer, l *TranscriptLine) {
	switch {
	case l.Start != nil:
		claudeStart(w, l.Start)
	case l.In != nil:
		for _, b := range claudeBlocks(l.In) {
			part(w, "message", b.Text)
		}
	default:
		claudeOut(w, l.Out)
	}
}

func claudeStart(w io.Writer, s *TranscriptStart) {
	part(w, "started", strings.Join(s.Command, " "))
	for _, x := range []struct{ title, name string }{{"system prompt", SystemFile}, {"prompt", PromptFile}, {"guide", GuideFile}} {
		if text := s.Texts[x.name]; text != "" {
			part(w, x.title, text)
		}
	}
}

func claudeOut(w io.Writer, line []byte) {
	var l claudeLine
	if json.Unmarshal(line, &l) != nil {
		return
	}
	switch l.Type {
	case "assistant", "user":
		for _, b := range claudeBlocks(line) {
			b.write(w)
		}
	case "result":
		claudeResult(w, &l)
	case "system":
		if l.Subtype != "init" {
			part(w, "system: "+l.Subtype, string(line))
		}
	}
}

// claudeBlocks takes a line's message apart.
func claudeBlocks(line []byte) []claudeBlock {
	var m struct {
		Message struct{ Content json.RawMessage }
	}
	if json.Unmarshal(line, &m) != nil {
		return nil
	}
	return blocks(m.Message.Content)
}

// blocks reads content: a text, or a list of blocks.
func blocks(content json.RawMessage) []claudeBlock {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return []claudeBlock{{Type: "text", Text: text}}
	}
	var list []claudeBlock
	_ = json.Unmarshal(content, &list) // what is neither is nothing to show
	return list
}

func (b *claudeBlock) write(w io.Writer) {
	switch b.Type {
	case "text":
		part(w, "reply", b.Text)
	case "thinking":
		part(w, "reasoning", b.Thinking)
	case "tool_use":
		var input bytes.Buffer
		if json.Indent(&input, b.Input, "", "  ") != nil {
			input.Write(b.Input)
		}
		part(w, "tool "+b.Name, input.String())
	case "tool_result":
		title := "result"
		if b.IsError {
			title = "result (an error)"
		}
		part(w, title, b.result())
	}
}

// result is the text of a tool's result; what is none is named by its type.
func (b *claudeBlock) result() string {
	var text strings.Builder
	for _, inner := range blocks(b.Content) {
		if inner.Type == "text" {
			text.WriteString(inner.Text)
		} else {
			fmt.Fprintf(&text, "(%s)", inner.Type)
		}
	}
	return text.String()
}

// claudeCalls finds the calls of tools in a line of the tool's stream: the model
// makes them in its messages, and their results are the user's.
func claudeCalls(line []byte) (parts []CallPart) {
	var l claudeLine
	if json.Unmarshal(line, &l) != nil || l.Type != "assistant" && l.Type != "user" {
		return nil
	}
	for _, b := range claudeBlocks(line) {
		switch b.Type {
		case "tool_use":
			parts = append(parts, CallPart{ID: b.ID, Parent: l.Above, Name: b.Name, Input: b.Input})
		case "tool_result":
			parts = append(parts, CallPart{ID: b.Of, Ended: true, Result: b.result(), Failed: b.IsError})
		}
	}
	return parts
}

// claudeResult writes how a turn ended and what it took. What it cost is the
// session's total so far, as the tool counts it.
func claudeResult(w io.Writer, l *claudeLine) {
	how := "answered"
	if f, detail := claudeFailure(l); f != "" {
		how = fmt.Sprintf("%s: %s", f, detail)
	}
	d := claudeDialect{brief: &Brief{}}
	u := d.usage(l)
	part(w, "end", fmt.Sprintf("%s\n%s for %d turns, %d tokens in and %d out (cache: %d read, %d written), %s",
		how, u.USD, u.Turns, u.Input, u.Output, u.CacheRead, u.CacheWrite, u.Took.Round(time.Millisecond)))
}
