package agent

import (
	"context"
	"io"
	"time"
)

// A Trial is a process that is to be tried, and what to try on it.
type Trial struct {
	Stdin  io.WriteCloser
	Stdout io.ReadCloser // closing it ends a pending Read
	// Exited gives once how the process ended, nil for status 0. Stdout must
	// stay readable after that.
	Exited <-chan error

	// Transcript, if not nil, gets the lines of both sides, for people.
	Transcript io.Writer

	// The rest has defaults.

	Init         Init          // of the agent agent-1
	Observations []Observe     // Examples
	Ready        time.Duration // how long ready may take; 10 s
	Deadline     time.Duration // how long an answer may take; 5 s
	Exit         time.Duration // how long the end may take once stdin is closed; 5 s
}

// A Verdict says how a step of a trial went.
type Verdict string

// The verdicts, from good to bad.
const (
	Passed Verdict = "ok"
	Noted  Verdict = "note" // works, and is worth knowing
	Failed Verdict = "fail"
)

// A Step is one thing that was tried, or one that was noticed on the way.
type Step struct {
	Name    string
	Verdict Verdict
	Detail  string // what happened; may be empty where all is well
	Hint    string // what to do about it; may be empty
}

// A Report is what came of a trial.
type Report struct {
	Steps []Step
}

// OK says that nothing failed.
func (r Report) OK() bool {
	for _, s := range r.Steps {
		if s.Verdict == Failed {
			return false
		}
	}
	return true
}

// Examples are the observations that a trial sends unless it is given others:
// those of an iterated prisoner's dilemma, the second with messages, and once
// more as after a refused action. Their Agent is filled in by Try.
func Examples() []Observe {
	first := []byte(`{"match":0,"turn":0,"turns":10,"opponent":"bob","last":null,"score":{"you":0,"opponent":0}}`)
	second := []byte(`{"match":0,"turn":1,"turns":10,"opponent":"bob","last":{"you":"C","opponent":"D"},"score":{"you":0,"opponent":5}}`)
	messages := []Message{
		{From: "bob", Body: []byte(`"no hard feelings"`)},
		{From: "carol", Channel: "square", Body: []byte(`{"text":"Grüße, 你好"}`)},
	}
	return []Observe{
		{Tick: 0, Observation: first},
		{Tick: 1, Observation: second, Messages: messages},
		{Tick: 1, Observation: second, Messages: messages, Attempt: 2, Error: "only a trial: answer once more"},
	}
}

// Try holds a conversation with one agent and says what is wrong with its
// answers. It closes Stdin and Stdout and returns when the process has ended,
// has had its time to, or ctx is over; a process that is left then is the
// caller's to kill.
func Try(ctx context.Context, t Trial) Report {
	t.fill()
	c := newTalk(ctx, t)
	defer c.close()
	if !c.ready() {
		c.finish()
		return c.report
	}
	for i := range t.Observations {
		if !c.observe(&t.Observations[i]) {
			break
		}
	}
	c.finish()
	return c.report
}

// fill puts the defaults in.
func (t *Trial) fill() {
	if t.Init.Agent == "" {
		t.Init.Agent = "agent-1"
	}
	if t.Init.Run == "" {
		t.Init.Run = "try"
	}
	if t.Init.Seed == 0 {
		t.Init.Seed = Seed(0, t.Init.Agent)
	}
	if t.Observations == nil {
		t.Observations = Examples()
	}
	for d, otherwise := range map[*time.Duration]time.Duration{
		&t.Ready: 10 * time.Second, &t.Deadline: 5 * time.Second, &t.Exit: 5 * time.Second,
	} {
		if *d <= 0 {
			*d = otherwise
		}
	}
}
