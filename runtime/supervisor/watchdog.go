package supervisor

import (
	"context"
	"io/fs"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// How often what processes take is measured: at least so much apart, and so rarely
// that it costs one part in watchShare of a core.
const (
	watchEvery = 100 * time.Millisecond
	diskEvery  = time.Second
	watchShare = 20
)

// A watchdog measures what the fleet's processes take whose limits the kernel
// does not hold, all of them in one goroutine, and what their workspaces take in
// another. Its methods may be called concurrently.
type watchdog struct {
	fleet *Fleet
	once  sync.Once

	mu      sync.Mutex
	watched map[*child]*watched
}

// A watched child is what is known of one.
type watched struct {
	c     *child
	over  func(*excess)
	since time.Time
	spent map[life]time.Duration // of each process that was seen last
	past  time.Duration          // of those that were seen before
}

// A life is one process, whose number may be another's later.
type life struct {
	pid   int
	start uint64
}

// watch watches a child until forget is called.
func (d *watchdog) watch(c *child, over func(*excess)) {
	l := c.bond.limits
	if l.Memory == 0 && l.CPU == 0 && l.Processes == 0 && l.Disk == 0 && l.Wall == 0 {
		return
	}
	d.mu.Lock()
	if d.watched == nil {
		d.watched = map[*child]*watched{}
	}
	d.watched[c] = &watched{c: c, over: over, since: time.Now()}
	d.mu.Unlock()
	d.once.Do(func() {
		d.fleet.wg.Go(func() { d.run(watchEvery, d.look) })
		d.fleet.wg.Go(func() { d.run(diskEvery, d.weigh) })
	})
}

func (d *watchdog) forget(c *child) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.watched, c)
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
func (d *watchdog) run(every time.Duration, measure func()) {
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
		timer.Reset(max(every, watchShare*time.Since(begin)))
	}
}

// look measures memory, processors, processes and time.
func (d *watchdog) look() {
	list := d.all()
	if len(list) == 0 {
		return
	}
	orphans := orphansByTag()
	for _, w := range list {
		if x := w.measure(orphans[w.c.tag]); x != nil {
			w.over(x)
		}
	}
}

// measure says which limit the child has passed, if any.
func (w *watched) measure(orphans []int) *excess {
	l, group := w.c.bond.limits, w.c.bond.group
	sampled := func(name, used, most string) *excess {
		return &excess{limit: name, used: used, most: most, by: Watched, timed: true}
	}
	if wall := time.Since(w.since); l.Wall > 0 && wall >= l.Wall {
		return sampled("wall", wall.Round(time.Millisecond).String(), l.Wall.String())
	}
	if group != nil && l.Memory > 0 && group.OutOfMemory() > 0 {
		return &excess{limit: "memory", most: bytesText(l.Memory), by: ByKernel, timed: true}
	}
	if l.CPU == 0 && (group != nil || l.Memory == 0 && l.Processes == 0) {
		return nil
	}
	u := w.use(orphans)
	switch {
	case l.CPU > 0 && u.cpu >= l.CPU:
		return sampled("cpu", u.cpu.String(), l.CPU.String())
	case group != nil:
	case l.Processes > 0 && u.tasks > l.Processes:
		return sampled("processes", strconv.Itoa(u.tasks), strconv.Itoa(l.Processes))
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
		if used := diskUse(d.fleet.ctx, ws.Work, ws.Home, ws.Tmp); used > most {
			w.over(&excess{limit: "disk", used: bytesText(used), most: bytesText(most), by: Watched, timed: true})
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
