package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A fakePerson is what is asked of one agent.
type fakePerson struct {
	mu      sync.Mutex
	turn    *HumanTurn
	changed chan struct{}
	err     error
	acts    []agent.Act
}

func (p *fakePerson) Turn(string) (*HumanTurn, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.turn, p.changed, p.err
}

func (p *fakePerson) Act(a agent.Act, attempt int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.turn == nil || p.turn.Tick != a.Tick || p.turn.Attempt != attempt {
		return fmt.Errorf("%w: too late", ErrNotAsked)
	}
	p.acts = append(p.acts, a)
	return nil
}

// ask asks something else, nil for nothing.
func (p *fakePerson) ask(t *HumanTurn, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn, p.err = t, err
	close(p.changed)
	p.changed = make(chan struct{})
}

// openPlayed is open with a live run r that somebody plays.
func openPlayed(t *testing.T) (*house, *client, *fakePerson) {
	h, c := open(t)
	h.run("r", 0, true)
	p := &fakePerson{changed: make(chan struct{})}
	h.live("r").Humans = p
	return h, c, p
}

func at(tick, attempt int) *HumanTurn {
	return &HumanTurn{Agent: "ann", Tick: tick, Attempt: attempt, Observation: []byte(`{"a":1}`), Messages: []HumanMessage{}, Results: []json.RawMessage{}}
}

func TestTurnWaits(t *testing.T) {
	h, c, p := openPlayed(t)
	ctx := t.Context()
	if got, err := c.Turn(ctx, "r", "ann", HumanWait{}); got != nil || err != nil {
		t.Errorf("with nothing asked: %+v, %v", got, err)
	}
	for _, step := range []struct {
		wait HumanWait
		ask  *HumanTurn // while it is waited
		want *HumanTurn
	}{
		{HumanWait{Wait: time.Minute}, at(0, 1), at(0, 1)},
		{HumanWait{Wait: time.Hour}, nil, at(0, 1)}, // which is asked already
		{HumanWait{Wait: time.Millisecond, Tick: 0, Attempt: 1}, nil, at(0, 1)},
		{HumanWait{Wait: time.Minute, Tick: 0, Attempt: 1}, at(0, 2), at(0, 2)},
		{HumanWait{Wait: time.Minute, Tick: 7, Attempt: 1}, nil, at(0, 2)},
	} {
		var wg sync.WaitGroup
		if step.ask != nil {
			wg.Go(func() { p.ask(step.ask, nil) })
		}
		got, err := c.Turn(ctx, "r", "ann", step.wait)
		wg.Wait()
		if err != nil || got == nil || got.Tick != step.want.Tick || got.Attempt != step.want.Attempt || string(got.Observation) != `{"a":1}` {
			t.Errorf("%+v: %+v, %v", step, got, err)
		}
	}
	done := make(chan error, 1)
	go func() {
		got, err := c.Turn(ctx, "r", "ann", HumanWait{Wait: time.Minute, Tick: 0, Attempt: 2})
		if got != nil {
			err = fmt.Errorf("got %+v", got)
		}
		done <- err
	}()
	p.ask(nil, nil) // it was answered
	ends(t, done, nil)
	go func() {
		_, err := c.Turn(ctx, "r", "ann", HumanWait{Wait: time.Minute})
		done <- err
	}()
	h.live("r").Over()
	ends(t, done, ErrNotRunning)
}

func TestTurnErrors(t *testing.T) {
	h, c, p := openPlayed(t)
	h.run("old", time.Hour, false)
	for _, want := range []error{ErrNotPlayed, ErrEnded, ErrNotRunning} {
		p.ask(nil, fmt.Errorf("%w: ann", want))
		if _, err := c.Turn(t.Context(), "r", "ann", HumanWait{Wait: time.Minute}); !errors.Is(err, want) || !strings.HasSuffix(err.Error(), ": ann") {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	p.ask(at(3, 1), nil)
	for run, want := range map[string]error{"none": ErrNoRun, "old": ErrNotRunning, "r": ErrNotAsked} {
		if err := c.Act(t.Context(), run, "ann", HumanAct{Tick: 2}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", run, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Turn(ctx, "r", "ann", HumanWait{Wait: time.Minute, Tick: 3, Attempt: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone: %v", err)
	}
}

func TestAct(t *testing.T) {
	_, c, p := openPlayed(t)
	p.ask(at(3, 2), nil)
	p.turn.Messages = []HumanMessage{{From: "bob", Body: []byte(`"<b>"`)}}
	if got, err := c.Turn(t.Context(), "r", "ann", HumanWait{}); err != nil || string(got.Messages[0].Body) != `"<b>"` {
		t.Errorf("told %s, %v", got.Messages[0].Body, err)
	}
	if err := c.Act(t.Context(), "r", "ann", HumanAct{Tick: 3, Attempt: 2, Action: []byte(`"<a>"`)}); err != nil || string(p.acts[0].Action) != `"<a>"` {
		t.Errorf("answered %s, %v", p.acts[0].Action, err)
	}
	p.acts = nil
	for text, want := range map[string]int{
		`{"tick":3,"attempt":2,"action": { "m" : 1.50 },"send":[{"to":"bob","body":"x"}],"done":true}`: http.StatusOK,
		`{"tick":3,"attempt":2}`:           http.StatusOK,
		`{"tick":3}`:                       http.StatusConflict, // which is the first attempt
		`{"tick":4,"attempt":2}`:           http.StatusConflict,
		`{"tick":3,"attempt":2,"acton":1}`: http.StatusBadRequest,
		`{"attempt":2}`:                    http.StatusUnprocessableEntity,
		`{"tick":3,"attempt":2,"action":"` + strings.Repeat("x", mostBody) + `"}`: http.StatusRequestEntityTooLarge,
		"{\"tick\":3,\"attempt\":2,\"action\":\"\xff\"}":                          http.StatusUnprocessableEntity,
	} {
		res, err := c.send(t.Context(), http.MethodPost, "/v1/runs/r/agents/ann/act", nil, []byte(text))
		got := http.StatusOK
		if err == nil {
			_ = res.Body.Close()
		} else {
			var p *Problem
			if !errors.As(err, &p) {
				t.Fatal(err)
			}
			got = p.Status
		}
		if got != want {
			t.Errorf("%.80s: status %d (%v), want %d", text, got, err, want)
		}
	}
	if len(p.acts) != 2 {
		t.Fatalf("%d answers came: %+v", len(p.acts), p.acts)
	}
	for _, a := range p.acts {
		switch {
		case a.Agent != "ann" || a.Tick != 3:
			t.Errorf("answered %+v", a)
		case a.Done && (string(a.Action) != `{"m":1.50}` || len(a.Send) != 1 || a.Send[0].To != "bob"):
			t.Errorf("answered %s, %+v", a.Action, a.Send)
		case !a.Done && string(a.Action) != "null":
			t.Errorf("without an action: %s", a.Action)
		}
	}
}

// A hurriedPerson has less time left whenever it is asked for.
type hurriedPerson struct {
	fakePerson
	left int64
}

func (p *hurriedPerson) Turn(id string) (*HumanTurn, <-chan struct{}, error) {
	_, changed, err := p.fakePerson.Turn(id)
	p.left--
	t := at(0, 1)
	t.DeadlineMS = p.left
	return t, changed, err
}

// TestTurnTellsTime: who waits is told the time that is left once it has been waited, not that of before.
func TestTurnTellsTime(t *testing.T) {
	h, c, _ := openPlayed(t)
	h.live("r").Humans = &hurriedPerson{fakePerson{changed: make(chan struct{})}, 1000}
	got, err := c.Turn(t.Context(), "r", "ann", HumanWait{Wait: time.Millisecond, Tick: 0, Attempt: 1})
	if err != nil || got.DeadlineMS != 998 {
		t.Errorf("%+v, %v", got, err)
	}
}
