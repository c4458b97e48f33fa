package agent

import (
	"encoding/json"
	"io"
	"time"
)

// A ToolCall is one call of a tool by a model.
type ToolCall struct {
	Tick    int
	Attempt int
	ID      string // as the model names it
	Parent  string // the call that it is part of, where the tool has agents of its own
	Name    string
	Input   json.RawMessage
	// The rest is only there once the tool has said how the call ended: before
	// that, Answered is false.
	Answered bool
	Result   string
	Failed   bool
	Began    time.Time     // when the call was told
	Took     time.Duration // until its result was told
}

// A CallPart is what one line of a tool's says of a call: its beginning, or how
// it ended.
type CallPart struct {
	ID     string
	Ended  bool
	Parent string          // of a beginning, as the next two
	Name   string          //
	Input  json.RawMessage //
	Result string          // of an end, as the next one
	Failed bool            //
}

// ToolCalls reads a transcript and gives each call of a tool, in order, once no
// more is said of it. A line that cannot be read is passed over. An error of do
// ends it.
func ToolCalls(r io.Reader, do func(*ToolCall) error) error {
	var c callReader
	err := eachLine(r, func(_ []byte, l *TranscriptLine) error {
		if l.Start != nil {
			c.parts = nil
			if k, err := Lookup(l.Start.Kind); err == nil {
				c.parts = k.Calls
			}
		}
		if l.Out == nil { // another turn, or another process
			return c.end(do)
		}
		c.take(l)
		return nil
	})
	if err != nil {
		return err
	}
	return c.end(do)
}

// A callReader holds the calls of one turn.
type callReader struct {
	parts func(line []byte) []CallPart
	calls []ToolCall
}

func (c *callReader) take(l *TranscriptLine) {
	parts := c.parts
	if parts == nil {
		parts = claudeCalls // where the beginning is lost
	}
	for _, p := range parts(l.Out) {
		if !p.Ended {
			c.calls = append(c.calls, ToolCall{
				Tick: l.Tick, Attempt: l.Attempt, ID: p.ID, Parent: p.Parent, Name: p.Name, Input: p.Input, Began: l.Time,
			})
			continue
		}
		for i := range c.calls {
			if x := &c.calls[i]; x.ID == p.ID && !x.Answered {
				x.Answered, x.Result, x.Failed, x.Took = true, p.Result, p.Failed, l.Time.Sub(x.Began)
				break
			}
		}
	}
}

func (c *callReader) end(do func(*ToolCall) error) error {
	for i := range c.calls {
		if err := do(&c.calls[i]); err != nil {
			return err
		}
	}
	c.calls = c.calls[:0]
	return nil
}
