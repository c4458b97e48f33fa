package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

func (c *client) Pause(ctx context.Context, run string) error {
	return c.do(ctx, http.MethodPost, "/v1/runs/"+url.PathEscape(run)+"/pause", nil)
}

func (c *client) Resume(ctx context.Context, run string, limits []string) error {
	return c.give(ctx, http.MethodPost, "/v1/runs/"+url.PathEscape(run)+"/resume", map[string]any{"limits": limits}, nil)
}

func (c *client) Step(ctx context.Context, run string, ticks int) error {
	return c.give(ctx, http.MethodPost, "/v1/runs/"+url.PathEscape(run)+"/step", map[string]any{"ticks": ticks}, nil)
}

func (c *client) Speed(ctx context.Context, run string, perSecond float64) error {
	return c.give(ctx, http.MethodPut, "/v1/runs/"+url.PathEscape(run)+"/speed", map[string]any{"ticks_per_second": perSecond}, nil)
}

func (c *client) Create(ctx context.Context, sub Submission) (r Run, err error) {
	err = c.give(ctx, http.MethodPost, "/v1/runs", sub, &r)
	return r, err
}

func (c *client) Serves(ctx context.Context) error {
	var said serverState
	if err := c.get(ctx, "/v1/server", &said); err != nil || said.Serves {
		return err
	}
	return errNoServer
}

func (c *client) Result(ctx context.Context, run string) (text json.RawMessage, err error) {
	err = c.get(ctx, "/v1/runs/"+url.PathEscape(run)+"/result", &text)
	return text, err
}

func (c *client) Scenarios(ctx context.Context) (list []Scenario, err error) {
	err = c.get(ctx, "/v1/scenarios", &list)
	return list, err
}

// get asks for a JSON value.
func (c *client) get(ctx context.Context, path string, v any) error {
	res, err := c.ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	return decodeAnswer(res.Body, v)
}

// give sends a JSON value and takes what is answered, if anything is to be.
func (c *client) give(ctx context.Context, method, path string, v, answer any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	res, err := c.send(ctx, method, path, nil, body)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if answer == nil {
		return nil
	}
	return decodeAnswer(res.Body, answer)
}

func decodeAnswer(r io.Reader, v any) error {
	if err := json.NewDecoder(r).Decode(v); err != nil {
		return fmt.Errorf("cannot read the supervisor's answer: %w", err)
	}
	return nil
}
