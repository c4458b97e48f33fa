package agent

import (
	"fmt"
	"strings"
	"time"
)

// silence is the step that had no answer, with the reason as far as it shows.
func (c *talk) silence(name string, limit time.Duration) {
	switch {
	case c.ctx.Err() != nil:
		c.step(Failed, name, "the trial was interrupted", "")
	case c.ended || c.exited:
		detail := "it " + c.how() + " before it answered"
		hint := hintLoop
		if c.exited && c.exit != nil {
			hint = "see what it wrote to stderr"
		}
		c.step(Failed, name, detail+c.rest(), hint)
	case len(c.unended) > 0:
		c.late = len(c.report.Steps)
		c.step(Failed, name, fmt.Sprintf("no whole line within %v%s", limit, c.rest()), hintNewline)
	case !c.spoke:
		c.late = len(c.report.Steps)
		c.step(Failed, name, fmt.Sprintf("not one byte on stdout within %v", limit), hintFlush)
	default:
		c.step(Failed, name, fmt.Sprintf("no answer within %v", limit), c.wanted)
	}
}

// how says how the process ended.
func (c *talk) how() string {
	switch {
	case !c.exited:
		return "closed its stdout"
	case c.exit != nil:
		return fmt.Sprintf("ended (%v)", c.exit)
	}
	return "ended (exit status 0)"
}

// rest is what it wrote without a newline.
func (c *talk) rest() string {
	if len(c.unended) == 0 {
		return ""
	}
	return "; it wrote without a newline: " + printable(c.unended)
}

// finish says goodbye and sees whether the process goes.
func (c *talk) finish() {
	if c.exited || c.ctx.Err() != nil {
		return // which is in the report already
	}
	const name = "ends when stdin does"
	if c.late < 0 {
		c.send(AppendStop(nil, c.Init.Agent, "the trial is over"))
	}
	c.hangUp()
	timer := time.NewTimer(c.Exit)
	defer timer.Stop()
	for {
		s, ok := c.hear(timer.C)
		if !ok {
			break
		}
		c.afterwards(name, s)
	}
	if c.ended && !c.exited {
		c.exited = c.waitExit(timer.C)
	}
	switch {
	case c.ctx.Err() != nil:
		c.step(Failed, name, "the trial was interrupted", "")
	case !c.exited:
		c.step(Failed, name, fmt.Sprintf("it is still there %v after stdin was closed", c.Exit), hintEnd)
	case !c.ended:
		c.step(Failed, name, "it ended, and a process that it started holds its stdout", "end what it starts, or give that another stdout")
	case c.exit != nil:
		c.step(Noted, name, "it "+c.how(), "the runtime does not mind; people take another status than 0 for a failure")
	default:
		c.step(Passed, name, "", "")
	}
}

func (c *talk) waitExit(until <-chan time.Time) bool {
	select {
	case c.exit = <-c.Exited:
		return true
	case <-until:
	case <-c.ctx.Done():
	}
	return false
}

// afterwards hears what comes once stdin is closed.
func (c *talk) afterwards(name string, s spoken) {
	l, wrong := c.understand(name, s)
	if wrong || l.Type == "" {
		return
	}
	if c.late >= 0 {
		late := &c.report.Steps[c.late]
		if !strings.Contains(late.Detail, "once stdin was closed") {
			late.Detail += "; the answer came once stdin was closed"
			late.Hint = hintFlush
		}
		return
	}
	if l.Type == TypeAct {
		c.step(Failed, name, fmt.Sprintf("it answered tick %d without being asked", l.Tick), `write one act line for each observe line`)
	}
}
