package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// A Message is one that somebody who is no agent puts into a run.
type Message struct {
	From    string          `json:"from"`
	To      string          `json:"to,omitempty"` // To or Channel
	Channel string          `json:"channel,omitempty"`
	Body    json.RawMessage `json:"body"`
}

// An Agent is one that is added to a run.
type Agent struct {
	ID     string          `json:"id"`
	Config json.RawMessage `json:"config,omitempty"` // an object, put over its entry's
}

// An Outside takes in what comes from outside a run. Each call returns once it
// is on record, with its tick, or says why it cannot be: where that is the
// run's word, the error is ErrRefused.
type Outside interface {
	Send(ctx context.Context, m Message) (tick int, err error)
	Add(ctx context.Context, a Agent) (tick int, err error)
	Remove(ctx context.Context, agent string) (tick int, err error)
}

// outsideOf finds who takes in what comes to a run.
func (s *Store) outsideOf(run string) (Outside, error) {
	if err := s.exists(run); err != nil {
		return nil, err
	}
	l := s.live(run)
	if l == nil || l.Outside == nil {
		return nil, s.unplayed(run)
	}
	return l.Outside, nil
}

// Send implements Runs.
func (s *Store) Send(ctx context.Context, run string, m Message) (int, error) {
	o, err := s.outsideOf(run)
	if err != nil {
		return 0, err
	}
	return o.Send(ctx, m)
}

// AddAgent implements Runs.
func (s *Store) AddAgent(ctx context.Context, run string, a Agent) (int, error) {
	o, err := s.outsideOf(run)
	if err != nil {
		return 0, err
	}
	return o.Add(ctx, a)
}

// RemoveAgent implements Runs.
func (s *Store) RemoveAgent(ctx context.Context, run, agent string) (int, error) {
	o, err := s.outsideOf(run)
	if err != nil {
		return 0, err
	}
	return o.Remove(ctx, agent)
}

// recorded is the answer to what came from outside.
type recorded struct {
	Tick int `json:"tick"`
}

// takeIn answers with the tick of what a request asks for.
func takeIn(mux *routes, pattern string, do func(r *http.Request) (int, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		tick, err := do(r)
		if err != nil {
			fail(w, err)
			return
		}
		answerJSON(w, http.StatusOK, recorded{tick})
	})
}

// outsideRoutes are those of what comes from outside a run.
func outsideRoutes(mux *routes, runs Runs) {
	takeIn(mux, "POST /v1/runs/{run}/messages", func(r *http.Request) (int, error) {
		var m Message
		if err := readJSON(r, &m); err != nil {
			return 0, err
		}
		return runs.Send(r.Context(), r.PathValue("run"), m)
	})
	takeIn(mux, "POST /v1/runs/{run}/agents", func(r *http.Request) (int, error) {
		var a Agent
		if err := readJSON(r, &a); err != nil {
			return 0, err
		}
		return runs.AddAgent(r.Context(), r.PathValue("run"), a)
	})
	takeIn(mux, "DELETE /v1/runs/{run}/agents/{agent}", func(r *http.Request) (int, error) {
		return runs.RemoveAgent(r.Context(), r.PathValue("run"), r.PathValue("agent"))
	})
}

func (c *client) Send(ctx context.Context, run string, m Message) (int, error) {
	return c.put(ctx, http.MethodPost, "/v1/runs/"+url.PathEscape(run)+"/messages", m)
}

func (c *client) AddAgent(ctx context.Context, run string, a Agent) (int, error) {
	return c.put(ctx, http.MethodPost, "/v1/runs/"+url.PathEscape(run)+"/agents", a)
}

func (c *client) RemoveAgent(ctx context.Context, run, agent string) (int, error) {
	return c.put(ctx, http.MethodDelete, "/v1/runs/"+url.PathEscape(run)+"/agents/"+url.PathEscape(agent), nil)
}

// put hands something to a run, and gives the tick of its record.
func (c *client) put(ctx context.Context, method, path string, v any) (int, error) {
	var body bytes.Buffer
	if v != nil {
		e := json.NewEncoder(&body)
		e.SetEscapeHTML(false) // bodies stay as they came
		if err := e.Encode(v); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	res, err := c.send(ctx, method, path, nil, body.Bytes())
	var told *Problem
	switch {
	case err == nil:
	case errors.As(err, &told), ctx.Err() != nil:
		return 0, err
	default:
		return 0, fmt.Errorf("%w; troupe events says whether it is on record", err)
	}
	defer func() { _ = res.Body.Close() }()
	var said recorded
	if err := json.NewDecoder(res.Body).Decode(&said); err != nil {
		return 0, fmt.Errorf("the supervisor's answer broke off: %w; troupe events says whether it is on record", err)
	}
	return said.Tick, nil
}
