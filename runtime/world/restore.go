package world

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// ended says whether an action is the word that an agent ended itself.
func ended(a Action) bool { return a.Failure == agent.Done }

// ask says one line to the world and gives its answer. A process that fails is
// restored once in a tick.
func (p *process) ask(ctx context.Context, text []byte, wanted ...string) (line, error) {
	for {
		answer, err := p.attempt(ctx, text, wanted)
		var failed *failedError
		if !errors.As(err, &failed) {
			return answer, err
		}
		if p.failedAt == p.next {
			return line{}, fmt.Errorf("the world's process failed twice in this tick; the second time it %w", failed)
		}
		p.restarting(failed)
	}
}

// attempt asks once, a restored process if need be.
func (p *process) attempt(ctx context.Context, text []byte, wanted []string) (line, error) {
	if p.pipe == nil {
		if err := p.restore(ctx); err != nil {
			return line{}, err
		}
	}
	answer, err := p.pipe.ask(ctx, text, wanted...)
	if err != nil {
		p.drop()
	}
	return answer, err
}

// restarting notes that a process failed and another will be tried.
func (p *process) restarting(failed *failedError) {
	p.failedAt = p.next
	p.log.line(fmt.Appendf(nil, "troupe: at tick %d the world's process %v; starting it again", p.next, failed))
	if p.program.Restarted != nil {
		p.program.Restarted(p.next, failed.what)
	}
}

// restore starts a process and brings it to where the last one was.
func (p *process) restore(ctx context.Context) error {
	if p.next > p.from && p.program.History == nil {
		return errors.New("the world's process ended and there is no record to restore another from")
	}
	if _, err := p.open(ctx); err != nil {
		return err
	}
	if err := p.retrace(ctx); err != nil {
		p.drop()
		return err
	}
	return nil
}

var errEnough = errors.New("read enough")

// retrace steps a new process through the recorded outcomes. Its answers are
// dropped.
func (p *process) retrace(ctx context.Context) error {
	if p.next == p.from {
		return nil
	}
	at := p.from
	err := p.program.History(ctx, at, func(tick int, actions []Action) error {
		if at == p.next {
			return errEnough // the record may go on, where a run is played again
		}
		if tick != at {
			return fmt.Errorf("the record gives tick %d where %d of %d is wanted", tick, at, p.next)
		}
		answer, err := p.pipe.ask(ctx, appendStep(nil, tick, actions), "stepped", "refused")
		if err != nil {
			return err
		}
		if answer.kind == "refused" {
			return fmt.Errorf("the world refuses at tick %d what it took before: it is not deterministic (a clock, or a random number not drawn from the seed)", tick)
		}
		at++
		return checkTick(answer, tick, false)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("restoring it: %w", err)
	}
	if at != p.next {
		return fmt.Errorf("restoring it: the record ends before tick %d where %d is wanted", at, p.next)
	}
	return nil
}
