package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/troupe-dev/troupe/workspace"
)

// files are what the files of one process were at the ticks that count: those
// of its workspace, and where it comes back by its state, that. For one
// goroutine at a time.
type files struct {
	captures *workspace.Captures
	snaps    *snapshots // nil where its state is not asked for
}

// files opens what is kept of a process's files; what was kept after the last
// committed tick is dropped.
func (f *Fleet) files(s *Spec) (*files, error) {
	c, err := f.opts.Dir.Captures(s.ID, f.opts.Sync)
	if err != nil {
		return nil, err
	}
	k := &files{captures: c}
	if err := c.Drop(f.opts.Last); err != nil {
		return nil, err
	}
	if s.Snapshot {
		k.snaps, err = openSnapshots(filepath.Join(f.opts.Dir.Checkpoints(), "states", s.ID), f.opts.Sync, f.opts.Last)
	}
	return k, err
}

// dropAhead drops what was kept of any process after the last committed tick, of
// those too that are not started in this fleet's life: at the next one, the run
// has other ticks of these numbers.
func (f *Fleet) dropAhead() error {
	states := filepath.Join(f.opts.Dir.Checkpoints(), "states")
	err := eachIn(states, func(process string) error {
		_, err := openSnapshots(filepath.Join(states, process), f.opts.Sync, f.opts.Last)
		return err
	})
	if err != nil {
		return err
	}
	return eachIn(filepath.Join(f.opts.Dir.Checkpoints(), "files"), func(process string) error {
		c, err := f.opts.Dir.Captures(process, f.opts.Sync)
		if err != nil || c.Newest() <= f.opts.Last {
			return err
		}
		ahead := c.Newest()
		if err := c.Drop(f.opts.Last); err != nil {
			return err
		}
		f.rewound(process, ahead, c.Newest())
		return nil
	})
}

// rewound notes that the log has lost more than files can go back: what was
// kept of a process between is gone, but for what was kept at checkpoints.
func (f *Fleet) rewound(process string, ahead, at int) {
	_, err := os.Stat(filepath.Join(f.opts.Dir.Checkpoints(), "states", process))
	if ahead-f.opts.Last <= recent || err == nil { // files that go with a state are told again from there
		return
	}
	since := "from its beginning"
	if at >= 0 {
		since = fmt.Sprintf("of tick %d", at)
	}
	f.fact(Fact{Agent: process, Kind: "rewound", Tick: max(f.opts.Last, 0), Detail: fmt.Sprintf(
		"the log has lost %d ticks, and files are kept of %d: those of %s are %s, and what it did with them until tick %d may be missing",
		ahead-f.opts.Last, recent, process, since, f.opts.Last)})
}

// eachIn calls do with each name in a directory, which need not be there.
func eachIn(dir string, do func(name string) error) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if err == nil {
			err = do(e.Name())
		}
	}
	return err
}

// settled opens a process's workspace. One that is new in a run that went on may
// find what it left in a tick that was not committed: that goes. One that is new
// begins with its template.
func (f *Fleet) settled(s *Spec, again bool) (*workspace.Workspace, error) {
	w, err := f.opts.Walls.Open(f.opts.Dir, s.ID)
	if err != nil {
		return nil, err
	}
	w.Template = s.Template
	if again || s.Template == "" && !f.resumed.Load() {
		return w, nil
	}
	if err := w.Reset(); err != nil {
		w.Release()
		return nil, err
	}
	return w, nil
}

// take keeps a workspace as it is at a tick's end. Nothing else may write to it
// meanwhile: the group of a process that lives is stopped.
func (k *files) take(tick int, w *workspace.Workspace, c *child) error {
	if k.captures.Untouched(w) {
		return nil
	}
	if c != nil && c.pid != 0 {
		c.stop() // whatever pause ends meanwhile
		defer c.goOn()
		if err := freeze(c.pid); err != nil {
			return err
		}
	}
	return k.captures.Take(tick, w)
}

// keep drops what nobody comes back to: what is not of one of the ticks, nor goes
// with states that stay.
func (k *files) keep(ticks []int) error {
	wanted := slices.Clone(ticks)
	if k.snaps != nil {
		if err := k.snaps.keep(ticks); err != nil {
			return err
		}
		wanted = append(wanted, k.snaps.ticks...)
	}
	return k.captures.Keep(wanted)
}

// capture implements driver.
func (p *resident) capture(tick int) error {
	p.disk.Lock()
	defer p.disk.Unlock()
	p.mu.Lock()
	c, w, session := p.child, p.ws, p.session
	idle, spoiled, ending := p.asked == 0 && !p.busy(), p.spoiled, p.state >= Failed
	if p.state != Ready && p.state != Parking {
		c = nil
	}
	p.mu.Unlock()
	switch {
	case w == nil || spoiled || ending:
		return nil // it was never there, comes back as it was before, or never
	case !idle:
		return errBusy
	}
	if err := p.kept.take(tick, w, c); err != nil {
		return fmt.Errorf("cannot keep the files of %s: %w", p.spec.ID, err)
	}
	p.keptSession = session
	return p.kept.keep(p.fleet.keptAt(tick))
}

// recent is how many of the newest ticks files can go back to: as many may the
// end of a log be short of that has lost its last bytes.
const recent = 4

// keptAt are the ticks that files may have to go back to, once those of a tick
// are kept that is yet to be committed.
func (f *Fleet) keptAt(tick int) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	ticks := slices.Clone(f.kept)
	for n := range recent + 1 {
		ticks = append(ticks, tick-n)
	}
	return ticks
}

// restore takes the workspace of a process that comes back to where its state
// is from. disk is held.
func (p *resident) restore() error {
	switch {
	case p.spec.Snapshot:
		return p.restoreState()
	case p.spec.Reobserve:
		return p.ws.Reset()
	case !p.spoiled:
		return nil // parked, or ended with nothing to do: it finds what it left
	}
	if _, err := p.kept.captures.Restore(p.kept.captures.Newest(), p.ws); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spoiled, p.session = false, p.keptSession
	return nil
}

// restoreState takes up the newest state that the process's agents told, or
// their beginning.
func (p *resident) restoreState() error {
	p.mu.Lock()
	var ids []string
	for _, st := range p.order {
		if !st.ended {
			ids = append(ids, st.init.Agent)
		}
	}
	p.mu.Unlock()
	newest := p.kept.snaps.newest()
	tick, states, err := p.readState(ids)
	if tick < 0 && err == nil {
		err = p.ws.Reset()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states = states
	p.current = p.current && tick == newest
	for _, st := range p.order {
		told := states[st.init.Agent]
		st.at = position{told.Tick, told.Attempt}
	}
	return err
}

// readState takes the workspace back to the newest state whose files are whole,
// and gives its tick; -1 where there is none.
func (p *resident) readState(ids []string) (int, map[string]toldState, error) {
	for {
		tick, states, err := p.kept.snaps.read(ids)
		if tick < 0 {
			if err != nil {
				p.log.line("troupe: told all of its past again: ", []byte(err.Error()))
			}
			return -1, nil, nil
		}
		_, err = p.kept.captures.Restore(tick, p.ws)
		var damaged *workspace.DamagedError
		if !errors.As(err, &damaged) {
			return tick, states, err
		}
		p.log.line("troupe: comes back by an older state: ", []byte(err.Error()))
		if err := p.kept.snaps.drop(); err != nil {
			return -1, nil, err
		}
	}
}
