package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/troupe-dev/troupe/runtime/observe"
)

var playCommand = &cli.Command{
	Name:      "play",
	Usage:     "play an agent of kind human, at the terminal",
	ArgsUsage: "RUN AGENT",
	Description: "Shows what the agent is asked, and reads the action from standard input: a line of JSON, or\n" +
		"words such as move=C. Lines that begin with @AGENT or #CHANNEL are messages, sent with the\n" +
		"action that comes next. Ends with the run or the agent, or where it is asked more than it was\n" +
		"given to say, which leaves the agent to whoever plays it next. With --json each turn is a line of JSON on standard output, and each line\n" +
		"of input is an answer, such as {\"action\":{\"move\":\"C\"},\"send\":[],\"done\":false}.",
	Flags: []cli.Flag{dataFlag, waitFlag, &cli.BoolFlag{Name: "json", Usage: "speak JSON lines, for programs"}},
	Action: func(c *cli.Context) (err error) {
		if c.NArg() != 2 {
			return usage("play wants a run and an agent; see troupe play --help")
		}
		ctx, release := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
		defer release()
		run := c.Args().First()
		runs, err := observe.OpenRunning(ctx, c.String("data"), c.Command.Name, run, c.Duration("wait"))
		if err != nil {
			return explain(err)
		}
		lines, stop, err := typedLines(os.Stdin)
		if err != nil {
			return errors.Join(err, runs.Close())
		}
		defer stop()
		p := &playing{runs: runs, run: run, agent: c.Args().Get(1), lines: lines}
		p.screen = &screen{w: os.Stdout, terminal: term.IsTerminal(int(os.Stdin.Fd()))}
		if c.Bool("json") {
			p.screen = jsonScreen{os.Stdout}
		}
		err = p.play(ctx)
		if cerr := runs.Close(); err == nil {
			err = cerr
		}
		if errors.Is(err, context.Canceled) {
			return exit{code: exitInterrupted}
		}
		return p.over(c, err)
	},
}

// A playing is a person at an agent.
type playing struct {
	runs       observe.Runs
	run, agent string
	lines      <-chan string // that are typed; closed at their end
	screen     display
	played     bool // it was asked, and so there
}

// A display is what a person sees, and how one writes.
type display interface {
	turn(t *observe.HumanTurn)
	// read makes an answer of what was typed; nil for a line that is none yet.
	read(t *observe.HumanTurn, line string) (*observe.HumanAct, error)
	say(what string)
}

// errLeft says that the input is over.
var errLeft = errors.New("the input is over")

// pollFor is how long a request waits for the next turn.
const pollFor = 30 * time.Second

// play shows turn after turn and answers them, until it fails.
func (p *playing) play(ctx context.Context) error {
	t, err := p.runs.Turn(ctx, p.run, p.agent, observe.HumanWait{})
	if err != nil {
		return err
	}
	p.played = true
	p.screen.say(fmt.Sprintf("you are %s in run %s", p.agent, p.run))
	for err == nil {
		if t != nil {
			p.screen.turn(t)
			err = p.answer(ctx, t)
		}
		if err == nil {
			t, err = p.runs.Turn(ctx, p.run, p.agent, observe.HumanWait{Wait: pollFor})
		}
	}
	return err
}

// answer reads what is typed until it has answered a turn, or that is over.
func (p *playing) answer(ctx context.Context, t *observe.HumanTurn) error {
	past, stop := p.watch(ctx, t)
	defer stop()
	for {
		select {
		case line, more := <-p.lines:
			if !more {
				return errLeft
			}
			a, err := p.screen.read(t, line)
			if err == nil && a == nil {
				continue
			}
			if err == nil {
				a.Tick, a.Attempt = t.Tick, t.Attempt
				err = p.runs.Act(ctx, p.run, p.agent, *a)
			}
			switch {
			case err == nil:
				return nil
			case errors.Is(err, observe.ErrNotAsked):
				p.screen.say(err.Error())
				return nil
			case errors.Is(err, observe.ErrRefused), errors.Is(err, errUnread):
				p.screen.say(err.Error())
			default:
				return err
			}
		case err := <-past:
			if err == nil {
				p.screen.say(fmt.Sprintf("tick %d is over", t.Tick))
			}
			return err
		}
	}
}

// watch says when a turn is over, by others or by its deadline, or why that cannot be
// known.
func (p *playing) watch(ctx context.Context, t *observe.HumanTurn) (past <-chan error, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		known := observe.HumanWait{Wait: pollFor, Tick: t.Tick, Attempt: t.Attempt}
		for {
			now, err := p.runs.Turn(ctx, p.run, p.agent, known)
			if err != nil || now == nil || now.Tick != t.Tick || now.Attempt != t.Attempt {
				over <- err
				return
			}
		}
	}()
	return over, func() {
		cancel()
		<-done
	}
}

// over says why there is nothing more to do.
func (p *playing) over(c *cli.Context, err error) error {
	switch {
	case errors.Is(err, errLeft):
		return nil
	case errors.Is(err, observe.ErrEnded) && p.played:
		p.screen.say(err.Error())
		return nil
	case !p.played || errors.Is(err, observe.ErrNotPlayed):
		return explain(err)
	}
	r, failed := observe.Stopped(c.Context, c.String("data"), c.Command.Name, p.run)
	if failed != nil || r.Status == observe.Running {
		return explain(err)
	}
	p.screen.say(fmt.Sprintf("run %s is %s after %d ticks", r.Run, r.Status, r.Ticks))
	return nil
}

// A jsonScreen is for programs.
type jsonScreen struct{ w io.Writer }

func (s jsonScreen) turn(t *observe.HumanTurn) { _ = json.NewEncoder(s.w).Encode(t) }

func (s jsonScreen) read(_ *observe.HumanTurn, line string) (*observe.HumanAct, error) {
	a := &observe.HumanAct{}
	if err := strictly(line, a); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnread, err)
	}
	return a, nil
}

func (s jsonScreen) say(what string) { fmt.Fprintln(os.Stderr, what) }
