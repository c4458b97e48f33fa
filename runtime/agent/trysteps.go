package agent

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// What to do about what goes wrong most often.
const (
	hintFlush   = `write each line at once: print(…, flush=True) in Python, sys.stdout.flush(), fflush(stdout) in C`
	hintNewline = `end each answer with a newline, and flush it`
	hintText    = `stdout is for the protocol; print to stderr what is for people: print(…, file=sys.stderr)`
	hintJSON    = `write each answer as one JSON object on one line: json.dumps(…), JSON.stringify(…)`
	hintLoop    = `answer every line of stdin until it ends: for line in sys.stdin: …`
	hintEnd     = `leave the loop and exit when stdin ends`
	hintNames   = `copy "agent" and "tick" from the line that you answer`
)

func (c *talk) step(v Verdict, name, detail, hint string) {
	c.report.Steps = append(c.report.Steps, Step{Name: name, Verdict: v, Detail: detail, Hint: hint})
}

// ready opens the conversation.
func (c *talk) ready() bool {
	const name = "says ready"
	c.wanted = `it should say {"type":"ready","agent":…} when it reads its init line`
	c.send(AppendInit(nil, c.Init))
	return c.await(name, c.Ready, func(l Line) (done bool) {
		switch {
		case l.Type != TypeReady:
			c.step(Failed, name, fmt.Sprintf("it wrote a line of type %q before it was ready", l.Type),
				`answer init with {"type":"ready","agent":…} before anything else`)
			return false
		case l.Agent != c.Init.Agent:
			c.step(Failed, name, fmt.Sprintf("it is ready as %q and was started as %q", l.Agent, c.Init.Agent), hintNames)
			return true
		}
		c.step(Passed, name, "", "")
		return true
	})
}

// observe asks once. It returns false where there is no use in going on.
func (c *talk) observe(example *Observe) bool {
	o := *example
	o.Agent, o.Deadline = c.Init.Agent, c.Deadline
	name := fmt.Sprintf("answers tick %d", o.Tick)
	switch {
	case o.Attempt > 1:
		name += ", asked again"
	case len(o.Messages) > 0:
		name += ", with messages"
	}
	c.wanted = `an answer is {"type":"act","agent":…,"tick":…,"action":…}`
	c.send(AppendObserve(nil, &o))
	asked := time.Now()
	return c.await(name, c.Deadline, func(l Line) (done bool) {
		switch {
		case l.Type == TypeReady:
			c.step(Noted, name, "it said ready again", `say ready once, after init`)
			return false
		case l.Type == TypeState:
			c.step(Noted, name, "it told its state unasked", `write state lines only in answer to a snapshot line`)
			return false
		case l.Agent != o.Agent:
			c.step(Failed, name, fmt.Sprintf("it answered for %q and was asked for %q", l.Agent, o.Agent), hintNames)
			return true
		case l.Tick < o.Tick:
			c.step(Failed, name, fmt.Sprintf("it answered tick %d again", l.Tick), `write one act line for each observe line`)
			return false
		case l.Tick != o.Tick:
			c.step(Failed, name, fmt.Sprintf("it answered tick %d", l.Tick), hintNames)
			return true
		case l.Act.Done:
			c.step(Noted, name, "it said that it is done, and would not be asked again", `leave out "done", or set it only in the last answer`)
		}
		if took := time.Since(asked); took > c.Deadline/2 {
			c.step(Noted, name, fmt.Sprintf("it took %v, and has %v", took.Round(time.Millisecond), c.Deadline),
				"give it a longer deadline in the scenario, or make it faster")
		} else {
			c.step(Passed, name, "", "")
		}
		return true
	})
}

// await hears lines until one is what the step waits for. It returns false
// where the process is lost, or too late.
func (c *talk) await(name string, limit time.Duration, take func(l Line) (done bool)) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		s, ok := c.hear(timer.C)
		if !ok {
			c.silence(name, limit)
			return false
		}
		l, wrong := c.understand(name, s)
		if wrong || l.Type != "" && take(l) {
			return true
		}
	}
}

// understand reads a line. What is wrong with it is a step; a line that is
// log, or of a type without meaning, is none of the types.
func (c *talk) understand(name string, s spoken) (l Line, wrong bool) {
	if s.long {
		c.show("←", s.text)
		c.step(Failed, name, fmt.Sprintf("it wrote a line of more than %d bytes", MaxLine), "keep answers shorter")
		return l, true
	}
	l, err := Decode(s.text)
	var malformed *MalformedError
	switch {
	case errors.As(err, &malformed):
		c.show("←", s.text)
		c.step(Failed, name, malformed.Error(), repair(malformed))
		return l, true
	case err != nil:
		c.show("·", s.text)
		return Line{}, c.text(name, s.text)
	}
	c.show("←", s.text)
	switch l.Type {
	case TypeReady, TypeAct, TypeState:
		return l, false
	case TypeLog:
	default:
		c.step(Noted, name, fmt.Sprintf("it wrote a line of type %q, which means nothing", l.Type),
			`the types are ready, act, state and log`)
	}
	return Line{}, false
}

// text looks at a line that is no line of the protocol, and says whether it
// was meant to be one.
func (c *talk) text(name string, line []byte) (wrong bool) {
	_, err := Compact(nil, line)
	switch text := strings.TrimSpace(string(line)); {
	case text == "":
	case strings.HasPrefix(text, "{") && err == nil:
		c.step(Failed, name, fmt.Sprintf("it wrote an object without a type: %s", printable(line)),
			`give each line a "type": "ready", "act", …`)
		return true
	case strings.HasPrefix(text, "{"):
		c.step(Failed, name, fmt.Sprintf("it wrote %s: %v", printable(line), err), hintJSON)
		return true
	case !c.texts:
		c.texts = true
		c.step(Noted, name, fmt.Sprintf("it wrote text to stdout, which goes to its log: %s", printable(line)), hintText)
	}
	return false
}

func repair(e *MalformedError) string {
	switch {
	case strings.Contains(e.Reason, "UTF-8"):
		return `write UTF-8: PYTHONUTF8=1, sys.stdout.reconfigure(encoding="utf-8")`
	case strings.Contains(e.Reason, `"agent"`), strings.Contains(e.Reason, `"tick"`):
		return hintNames
	case strings.Contains(e.Reason, "send"):
		return `"send" is a list of {"to": agent, "body": …} and {"channel": name, "body": …}`
	}
	return `an answer is {"type":"act","agent":…,"tick":…,"action":…}`
}
