package agent

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A talk is a trial under way. One goroutine reads what the process prints,
// another writes to it; close waits for both.
type talk struct {
	Trial
	ctx    context.Context
	report Report

	said   chan spoken
	lines  chan []byte // to be written; closing it closes stdin
	hungUp bool        // lines is closed
	quit   chan struct{}
	helper sync.WaitGroup

	spoke   bool   // there was a byte on stdout since the last line was sent
	unended []byte // the beginning of a line that has no newline yet
	ended   bool   // stdout is at its end
	exited  bool
	exit    error  // with exited
	late    int    // the step that had no answer in time; -1 for none
	texts   bool   // text on stdout was noted already
	wanted  string // what the line that is waited for looks like
}

// spoken is what the process printed: a line, a line that is too long (its
// beginning), the beginning of a line that goes on, or the end.
type spoken struct {
	text    []byte
	long    bool
	unended bool
	end     bool
}

func newTalk(ctx context.Context, t Trial) *talk {
	c := &talk{Trial: t, ctx: ctx, said: make(chan spoken), quit: make(chan struct{}), late: -1}
	c.lines = make(chan []byte, len(t.Observations)+2) // and init and stop: sending never blocks
	c.helper.Go(c.read)
	c.helper.Go(c.write)
	return c
}

// close ends the conversation for good.
func (c *talk) close() {
	close(c.quit)
	c.hangUp()
	_ = c.Stdin.Close() // under a write that is stuck
	_ = c.Stdout.Close()
	c.helper.Wait()
}

// read cuts stdout into lines until it ends.
func (c *talk) read() {
	var line []byte
	long := false
	chunk := make([]byte, 32<<10)
	for {
		n, err := c.Stdout.Read(chunk)
		rest := chunk[:n]
		for {
			part, after, newline := bytes.Cut(rest, []byte("\n"))
			if !long {
				line = append(line, part...)
			}
			if !long && len(line) > MaxLine {
				long = true
				line = line[:200]
			}
			if !newline {
				break
			}
			if !c.pass(spoken{text: bytes.Clone(line), long: long}) {
				return
			}
			line, long, rest = line[:0], false, after
		}
		if len(line) > 0 && !c.pass(spoken{text: bytes.Clone(line[:min(len(line), 200)]), unended: true}) {
			return
		}
		if err != nil {
			c.pass(spoken{end: true})
			return
		}
	}
}

func (c *talk) pass(s spoken) bool {
	select {
	case c.said <- s:
		return true
	case <-c.quit:
		return false
	}
}

// write writes what is sent, and closes stdin after the last of it. What
// keeps a line from being written is told by what the process does next, or
// does not.
func (c *talk) write() {
	for line := range c.lines {
		_, _ = c.Stdin.Write(line)
	}
	_ = c.Stdin.Close()
}

// send has a line written, which may take until the agent reads it.
func (c *talk) send(line []byte) {
	c.show("→", line)
	c.spoke = false
	c.lines <- line
}

// hangUp has stdin closed after what was sent.
func (c *talk) hangUp() {
	if !c.hungUp {
		c.hungUp = true
		close(c.lines)
	}
}

// hear waits for the next thing that the process says, until the time is up.
// It returns false at that time, at the end of ctx, and once nothing more can
// come.
func (c *talk) hear(until <-chan time.Time) (s spoken, ok bool) {
	for !c.ended {
		exited := c.Exited
		if c.exited {
			exited = nil
		}
		select {
		case s = <-c.said:
			switch {
			case s.end:
				c.ended = true
				continue
			case s.unended:
				c.spoke, c.unended = true, s.text
				continue
			}
			c.spoke, c.unended = true, nil
			return s, true
		case c.exit = <-exited:
			c.exited = true
			// What it printed last is still to be read; only a process that
			// it left behind can keep stdout from ending.
			until = time.After(time.Second)
		case <-until:
			return s, false
		case <-c.ctx.Done():
			return s, false
		}
	}
	return s, false
}

// show writes a line into the transcript.
func (c *talk) show(mark string, line []byte) {
	if c.Transcript == nil {
		return
	}
	_, _ = fmt.Fprintln(c.Transcript, mark, printable(line))
}

// printable makes a line fit for a terminal.
func printable(line []byte) string {
	const most = 500
	line = bytes.TrimRight(line, "\r\n")
	cut := ""
	if len(line) > most {
		line, cut = line[:most], "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, string(line)) + cut
}
