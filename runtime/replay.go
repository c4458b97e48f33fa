package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/workspace"
)

// ReplayOptions say what is replayed, and how.
type ReplayOptions struct {
	Data      string
	Run       string
	BusListen string  // host:port where observers may connect to the bus; empty for nowhere
	Listen    string  // host:port of the API and of metrics that are counted from the record as it is told; empty for nowhere
	Tokens    string  // directory of the API's tokens there; empty for those of the data directory
	Speed     float64 // times as fast as it was recorded; 0 for as fast as it goes
	From, To  int     // the first and the last tick; a negative To for the newest
	Wait      bool    // until an observer has subscribed
	Command   string  // what is run, for whoever finds the data directory held
	Watch     Watcher // is told of the run as of one that goes; may be nil
}

// A Replayed is what a replay came to.
type Replayed struct {
	Ticks  int            // told
	Status observe.Status // how the run stood at the last of them, as observers were told
}

// replaySuffix is what a replay's name has behind the run's.
const replaySuffix = "-replay"

// awaiting is how often a replay looks for its observer.
const awaiting = 20 * time.Millisecond

// Replay publishes a run on record once more, on the same live subjects under
// the run's name and -replay; only the packed log is not among them. It holds
// the data directory meanwhile and answers the API there. A context that ends
// ends the replay, which observers are told as an interruption.
func Replay(ctx context.Context, o ReplayOptions) (*Replayed, error) {
	data, err := filepath.Abs(o.Data)
	if err != nil {
		return nil, fmt.Errorf("cannot use the data directory: %w", err)
	}
	m, err := replayed(data, o.Run)
	if err != nil {
		return nil, err
	}
	h, err := openHost(HostOptions{
		Data: o.Data, BusListen: o.BusListen, Listen: o.Listen, Tokens: o.Tokens, Command: o.Command,
	}, role{unready: func() string { return "" }})
	if err != nil {
		return nil, fmt.Errorf("cannot replay run %s: %w", o.Run, err)
	}
	defer h.Close()
	p := &replay{opts: o, manifest: m, host: h, tell: teller{to: h.bus, run: o.Run + replaySuffix}}
	p.measured = p.measure()
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	return p.play(ctx)
}

// replayed reads the manifest of the run. It makes nothing where there is none.
func replayed(data, run string) (*record.Manifest, error) {
	if bus.CheckToken(run) != nil {
		return nil, fmt.Errorf("%w: %s", observe.ErrNoRun, run)
	}
	m, err := record.ReadManifest(workspace.Run{Dir: filepath.Join(data, "runs", run)}.Manifest())
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: %s", observe.ErrNoRun, run)
	}
	return m, err
}

// A replay is one under way.
type replay struct {
	opts     ReplayOptions
	manifest *record.Manifest
	host     *Host
	tell     teller
	sum      record.Summary
	told     int
	pace     pace
	measured *replayMetrics // nil for nowhere
}

// open lets observers in, and waits for one where that is asked for.
func (p *replay) open(ctx context.Context) error {
	o := Opening{Run: p.tell.run, Dir: p.host.store.Dir(p.opts.Run).Dir, Realtime: p.manifest.Plan.Clock.Mode == plan.Realtime, Agents: len(p.manifest.Plan.Agents), Ticks: p.manifest.Plan.Clock.Ticks, From: p.opts.From}
	o.Listen, o.Link = p.host.Addr(), p.host.linkTo(p.opts.Run)
	if p.opts.BusListen != "" {
		var err error
		if o.Observer, err = p.host.bus.Observer(p.tell.run); err != nil {
			return err
		}
		o.Bus = p.host.bus.Addr()
	}
	if p.opts.Watch != nil {
		p.opts.Watch.Starting(o)
	}
	if !p.opts.Wait {
		return nil
	}
	again := time.NewTicker(awaiting)
	defer again.Stop()
	for !p.host.bus.Awaited() {
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// errEnough ends the reading after the last tick that is asked for.
var errEnough = errors.New("the last tick is told")

func (p *replay) play(ctx context.Context) (*Replayed, error) {
	p.tell.begun("started", &p.manifest.Plan)
	p.pace = pace{speed: p.opts.Speed, due: time.Now()}
	err := observe.Read(ctx, p.measured.over(p.host.store), p.opts.Run, p.opts.From, func(r *record.Record, hash [record.HashSize]byte) error {
		if p.opts.To >= 0 && r.Tick > p.opts.To {
			return errEnough
		}
		if err := p.pace.await(ctx, &r.Annex); err != nil {
			return err
		}
		p.tick(r, hash)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	out := &Replayed{Ticks: p.told, Status: observe.Interrupted}
	if err == nil && p.told == 0 {
		err = fmt.Errorf("cannot replay run %s: it has no tick %d; troupe ps says how many it has", p.opts.Run, p.opts.From)
	}
	if err == nil {
		out.Status = observe.StatusOf(p.sum.End)
	}
	p.tell.over(out.Status, p.sum.Ticks)
	p.measured.ended(out.Status)
	return out, err
}

func (p *replay) tick(r *record.Record, hash [record.HashSize]byte) {
	p.sum.Add(r, hash)
	p.told++
	p.measured.tick(r)
	if p.host.bus.Heard() {
		p.tell.tick(r, hash)
	}
	if w := p.opts.Watch; w != nil {
		for _, f := range r.Annex.Facts {
			w.Happened(f)
		}
		w.Ticked(r, &p.sum)
	}
}
