package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/scenarios"
)

// An outside is a run's door in the words of those who look at runs: what comes
// is checked here as far as that needs no run.
type outside struct{ door *engine.Door }

// Send implements observe.Outside.
func (o *outside) Send(ctx context.Context, m observe.Message) (int, error) {
	if err := scenarios.ValidID(m.From); err != nil {
		return 0, fmt.Errorf("%w: the sender: %w", observe.ErrRefused, err)
	}
	body, err := agent.Compact(nil, m.Body)
	if err != nil {
		return 0, fmt.Errorf("%w: the body: %w", observe.ErrRefused, err)
	}
	return said(o.door.Send(ctx, m.From, agent.Send{To: m.To, Channel: m.Channel, Body: body}))
}

// Add implements observe.Outside.
func (o *outside) Add(ctx context.Context, a observe.Agent) (int, error) {
	return said(o.door.Add(ctx, a.ID, a.Config))
}

// Remove implements observe.Outside.
func (o *outside) Remove(ctx context.Context, agent string) (int, error) {
	return said(o.door.Remove(ctx, agent))
}

// said gives an error of the door its meaning for others.
func said(tick int, err error) (int, error) {
	var refused *engine.RefusedError
	switch {
	case errors.As(err, &refused):
		err = fmt.Errorf("%w: %w", observe.ErrRefused, err)
	case errors.Is(err, engine.ErrShut):
		err = fmt.Errorf("%w: %w", observe.ErrNotRunning, err)
	}
	return tick, err
}
