package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A HumanTurn is what the person who plays an agent is asked.
type HumanTurn struct {
	Agent       string            `json:"agent"`
	Tick        int               `json:"tick"`
	Attempt     int               `json:"attempt"`
	DeadlineMS  int64             `json:"deadline_ms,omitempty"` // that are left; 0 for no deadline
	Observation json.RawMessage   `json:"observation"`
	Messages    []HumanMessage    `json:"messages"`
	Results     []json.RawMessage `json:"results"`
	Error       string            `json:"error,omitempty"`  // why the attempt before was refused
	Config      json.RawMessage   `json:"config,omitempty"` // of the agent
	Schema      json.RawMessage   `json:"schema,omitempty"` // JSON Schema of the action, where the world tells it
}

// A HumanMessage is one that a person is told.
type HumanMessage struct {
	From        string          `json:"from"`
	Channel     string          `json:"channel,omitempty"` // empty for one to the agent alone
	Body        json.RawMessage `json:"body"`
	Redelivered bool            `json:"redelivered,omitempty"`
}

// A HumanAct is a person's answer.
type HumanAct struct {
	Tick    int             `json:"tick"`
	Attempt int             `json:"attempt,omitempty"` // 0 for the first
	Action  json.RawMessage `json:"action"`
	Send    json.RawMessage `json:"send,omitempty"` // a list, as in an act of the protocol
	Done    bool            `json:"done,omitempty"` // the agent is never asked again
}

// A HumanWait says how long to wait for a turn.
type HumanWait struct {
	Wait time.Duration // at most; no longer than a minute
	// Tick and Attempt are of the turn that is known, which is waited past; Attempt is
	// 0 where none is.
	Tick, Attempt int
}

// knows says whether a turn, nil for none, is what is waited past.
func (q HumanWait) knows(t *HumanTurn) bool {
	if q.Attempt == 0 {
		return t == nil
	}
	return t != nil && t.Tick == q.Tick && t.Attempt == q.Attempt
}

// mostWait is how long one request waits.
const mostWait = time.Minute

// Errors of Players.
var (
	ErrNotPlayed = errors.New("no person plays this agent")
	ErrNotAsked  = errors.New("the agent is not asked that")
	ErrEnded     = errors.New("the agent has ended")
)

// Players is what the people who play agents of running runs can do.
type Players interface {
	// Turn gives what an agent is asked, nil for nothing. It returns at once if that
	// is something other than what is known, else once it is or the time is over.
	Turn(ctx context.Context, run, agent string, wait HumanWait) (*HumanTurn, error)
	// Act answers. Of several answers to one turn the first counts; the others, and
	// one that comes too late, are ErrNotAsked. One that no agent could give is
	// ErrRefused; what the world refuses is asked again.
	Act(ctx context.Context, run, agent string, a HumanAct) error
}

// Humans are the people who play agents of one live run. The methods may be called
// concurrently and do not block.
type Humans interface {
	// Turn gives what an agent is asked, nil for nothing, and what is closed once that
	// has changed.
	Turn(agent string) (t *HumanTurn, changed <-chan struct{}, err error)
	Act(a agent.Act, attempt int) error
}

func (s *Store) humansOf(run string) (Humans, *Live, error) {
	if err := s.exists(run); err != nil {
		return nil, nil, err
	}
	if l := s.live(run); l != nil && l.Humans != nil {
		return l.Humans, l, nil
	}
	return nil, nil, s.unplayed(run)
}

// Turn implements Players.
func (s *Store) Turn(ctx context.Context, run, agent string, wait HumanWait) (*HumanTurn, error) {
	humans, live, err := s.humansOf(run)
	if err != nil {
		return nil, err
	}
	over := time.NewTimer(min(wait.Wait, mostWait))
	defer over.Stop()
	for {
		t, changed, err := humans.Turn(agent)
		if err != nil || !wait.knows(t) {
			return t, err
		}
		select {
		case <-changed:
		case <-over.C:
			t, _, err = humans.Turn(agent) // it has less time by now, or more
			return t, err
		case <-live.done:
			return nil, fmt.Errorf("%w any more: %s", ErrNotRunning, run)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Act implements Players.
func (s *Store) Act(_ context.Context, run, id string, a HumanAct) error {
	humans, _, err := s.humansOf(run)
	if err != nil {
		return err
	}
	act := agent.Act{Agent: id, Tick: a.Tick, Action: []byte("null"), Done: a.Done}
	if len(a.Action) > 0 {
		if act.Action, err = agent.Compact(nil, a.Action); err != nil {
			return fmt.Errorf("%w: the action: %w", ErrRefused, err)
		}
	}
	if len(a.Send) > 0 && string(a.Send) != "null" {
		if act.Send, err = agent.DecodeSends(a.Send); err != nil {
			return fmt.Errorf("%w: the messages: %w", ErrRefused, err)
		}
	}
	return humans.Act(act, max(a.Attempt, 1))
}

// humanRoutes are those of the people who play agents.
func humanRoutes(mux *routes, players Players) {
	mux.HandleFunc("GET /v1/runs/{run}/agents/{agent}/turn", func(w http.ResponseWriter, r *http.Request) {
		q := queryOf(r)
		wait := q.human()
		if q.err != nil {
			fail(w, q.err)
			return
		}
		t, err := players.Turn(r.Context(), r.PathValue("run"), r.PathValue("agent"), wait)
		switch {
		case err != nil:
			fail(w, err)
		case t == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "application/json")
			e := json.NewEncoder(w)
			e.SetEscapeHTML(false) // what is told stays as it came
			_ = e.Encode(t)
		}
	})
	takeIn(mux, "POST /v1/runs/{run}/agents/{agent}/act", func(r *http.Request) (int, error) {
		var a struct {
			HumanAct
			Tick *int `json:"tick"` // which has to be there
		}
		if err := readJSON(r, &a); err != nil {
			return 0, err
		}
		if a.Tick == nil {
			return 0, Refuse(`the answer has no "tick"`)
		}
		a.HumanAct.Tick = *a.Tick
		return *a.Tick, players.Act(r.Context(), r.PathValue("run"), r.PathValue("agent"), a.HumanAct)
	})
}

// human reads wait=30s and known=TICK.ATTEMPT.
func (q *query) human() (w HumanWait) {
	if said := q.values.Get("wait"); said != "" {
		var err error
		if w.Wait, err = time.ParseDuration(said); err != nil || w.Wait < 0 {
			q.fail("wait is how long to wait, such as 30s")
		}
	}
	if said := q.values.Get("known"); said != "" {
		tick, attempt, _ := strings.Cut(said, ".")
		var err, bad error
		w.Tick, err = strconv.Atoi(tick)
		w.Attempt, bad = strconv.Atoi(attempt)
		if err != nil || bad != nil || w.Tick < 0 || w.Attempt < 1 {
			q.fail("known is the turn that is known, as TICK.ATTEMPT, such as 3.1")
		}
	}
	return w
}

func (c *client) Turn(ctx context.Context, run, agent string, wait HumanWait) (*HumanTurn, error) {
	q := url.Values{"wait": {wait.Wait.String()}}
	if wait.Attempt > 0 {
		q.Set("known", fmt.Sprintf("%d.%d", wait.Tick, wait.Attempt))
	}
	res, err := c.ask(ctx, http.MethodGet, humanPath(run, agent, "turn"), q)
	if err != nil {
		return nil, ofHumans(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusNoContent {
		return nil, nil
	}
	t := &HumanTurn{}
	return t, decodeAnswer(res.Body, t)
}

func (c *client) Act(ctx context.Context, run, agent string, a HumanAct) error {
	_, err := c.put(ctx, http.MethodPost, humanPath(run, agent, "act"), a)
	return ofHumans(err)
}

func humanPath(run, agent, what string) string {
	return "/v1/runs/" + url.PathEscape(run) + "/agents/" + url.PathEscape(agent) + "/" + what
}

// ofHumans gives an error the meaning that it has on these routes: others use the
// same statuses.
func ofHumans(err error) error {
	var told *Problem
	if !errors.As(err, &told) {
		return err
	}
	for _, is := range []error{ErrNotPlayed, ErrNotAsked, ErrEnded} {
		if text, ok := strings.CutPrefix(told.Detail, is.Error()); ok {
			return fmt.Errorf("%w%s", is, text)
		}
	}
	return err
}
