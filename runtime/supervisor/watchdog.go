package supervisor

import (
	"context"
	"io/fs"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// How often what processes take is measured: at least so much apart, and so rarely
// that it costs one part in watchShare of a core, but not rarer than watchMost and
// diskMost: who starts many processes makes measuring take long.
const (
	watchEvery, watchMost = 100 * time.Millisecond, time.Second
	diskEvery, diskMost   = time.Second, time.Minute
	watchShare            = 20
)

// A watchdog measures what the fleet's processes take whose limits the kernel
// does not hold, all of them in one goroutine, and what their workspaces take in
// another. Its methods may be called concurrently.
type watchdog struct {
	fleet *Fleet
	once  sync.Once

	mu      sync.Mutex
	watched map[*child]*watched
	peak    int64 // the most memory that all took together, when it was measured
}

// A watched child is what is known of one.
type watched struct {
	c     *child
	since time.Time
	all   bool                   // its processor time is measured whatever its limits
	spent map[life]time.Duration // of each process that was seen last
	past  time.Duration          // of those that were seen before

	mu   sync.Mutex
	cpu  time.Duration // what all have taken, when it was measured last
	seen seen
}

// What is seen of a child, when it was measured last.
type seen struct{ memory, processes, disk int64 }

// A life is one process, whose number may be another's later.
type life struct {
	pid   int
	start uint64
}

// watch watches a child until forget is called.
func (d *watchdog) watch(c *child) {
	l := c.bond.limits
	if l.Memory == 0 && l.CPU == 0 && l.Processes == 0 && l.Disk == 0 && l.Wall == 0 && !d.fleet.opts.CPU {
		return
	}
	d.mu.Lock()
	if d.watched == nil {
		d.watched = map[*child]*watched{}
	}
	d.watched[c] = &watched{c: c, since: time.Now(), all: d.fleet.opts.CPU}
	d.mu.Unlock()
	d.once.Do(func() {
		d.fleet.wg.Go(func() { d.run(watchEvery, watchMost, d.look) })
		d.fleet.wg.Go(func() { d.run(diskEvery, diskMost, d.weigh) })
	})
}

// forget watches a child no more, and says what it was seen to take.
func (d *watchdog) forget(c *child) agent.Spent {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.watched[c]
	if w == nil {
		return agent.Spent{}
	}
	delete(d.watched, c)
	return w.spending()
}

// tell puts on record what a child takes, unless it is counted as gone already.
func (d *watchdog) tell(w *watched) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watched[w.c] == w {
		d.fleet.spent(w.c.bond, w.spending())
	}
}

// spending is what the child and all that it started have taken by now.
func (w *watched) spending() agent.Spent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return agent.Spent{CPU: w.cpu, Wall: time.Since(w.since)}
}

// all are the children that are watched now.
func (d *watchdog) all() []*watched {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*watched, 0, len(d.watched))
	for _, w := range d.watched {
		list = append(list, w)
	}
	return list
}

// run measures until the fleet is stopped.
func (d *watchdog) run(every, most time.Duration, measure func()) {
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-d.fleet.ctx.Done():
			return
		}
		begin := time.Now()
		measure()
		timer.Reset(max(every, min(watchShare*time.Since(begin), most)))
	}
}

// look measures memory, processors, processes and time.
func (d *watchdog) look() {
	list := d.all()
	if len(list) == 0 {
		return
	}
	orphans := newOrphanage()
	for _, w := range list {
		x := w.measure(orphans.of(w.c))
		d.tell(w)
		if x != nil {
			w.c.pass(x)
		}
	}
	d.note(list)
}

// note remembers the most memory that all take together.
func (d *watchdog) note(list []*watched) {
	var sum int64
	for _, w := range list {
		sum += w.memory()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.peak = max(d.peak, sum)
}

// memory is what the child, with all that it started, has in memory, as it was
// measured last.
func (w *watched) memory() int64 {
	if group := w.c.bond.group; group != nil {
		return group.Memory()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen.memory
}

// PeakMemory is the most memory that the processes which are watched, each with all
// that it started, took together so far, as it was measured now and then: bytes, less
// what is shared with files. Any goroutine may call it.
func (f *Fleet) PeakMemory() int64 {
	f.watchdog.mu.Lock()
	defer f.watchdog.mu.Unlock()
	return f.watchdog.peak
}

// measure says which limit the child has passed, if any.
func (w *watched) measure(orphans []int) *excess {
	l, group := w.c.bond.limits, w.c.bond.group
	sampled := func(name, used, most string) *excess {
		return &excess{limit: name, used: used, most: most, by: Watched, timed: true}
	}
	before := w.c.bond.before
	if wall := before.Wall + time.Since(w.since); l.Wall > 0 && wall >= l.Wall {
		return sampled("wall", wall.Round(time.Millisecond).String(), l.Wall.String())
	}
	if x := w.c.bond.refused(); x != nil {
		x.timed = true
		return x
	}
	if l.CPU == 0 && !w.all && (group != nil || l.Memory == 0 && l.Processes == 0) {
		return nil
	}
	u := w.use(orphans)
	count := len(u.pids)
	if w.c.bond.counted {
		count = u.tasks
	}
	w.mu.Lock()
	w.cpu, w.seen.memory, w.seen.processes = u.cpu, u.memory, int64(count)
	w.mu.Unlock()
	switch cpu := before.CPU + u.cpu; {
	case l.CPU > 0 && cpu >= l.CPU:
		return sampled("cpu", cpu.String(), l.CPU.String())
	case group != nil:
	case l.Processes > 0 && count > l.Processes:
		x := sampled("processes", strconv.Itoa(count), strconv.Itoa(l.Processes))
		if w.c.bond.counted {
			x.by = ByKernel
		}
		return x
	case l.Memory > 0 && u.memory > l.Memory:
		if exact := u.proportional(); exact > l.Memory {
			return sampled("memory", bytesText(exact), bytesText(l.Memory))
		}
	}
	return nil
}

// weigh measures what workspaces take.
func (d *watchdog) weigh() {
	for _, w := range d.all() {
		most := w.c.bond.limits.Disk
		if most == 0 {
			continue
		}
		ws := w.c.bond.w
		used := diskUse(d.fleet.ctx, ws.Work, ws.Home, ws.Tmp)
		w.mu.Lock()
		w.seen.disk = used
		w.mu.Unlock()
		if used > most {
			w.c.pass(&excess{limit: "disk", used: bytesText(used), most: bytesText(most), by: Watched, timed: true})
		}
	}
}

// diskUse is what the files below some directories take, each counted once
// however many names it has.
func diskUse(ctx context.Context, dirs ...string) (bytes int64) {
	seen := map[inode]bool{}
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
			if ctx.Err() != nil {
				return fs.SkipAll
			}
			if err != nil {
				return nil //nolint:nilerr // it was removed meanwhile
			}
			info, err := e.Info()
			if err != nil {
				return nil //nolint:nilerr // it was removed meanwhile
			}
			n, node, shared := blocks(info)
			if shared && seen[node] {
				return nil
			}
			if shared {
				seen[node] = true
			}
			bytes += n
			return nil
		})
	}
	return bytes
}
