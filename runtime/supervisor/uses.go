package supervisor

import (
	"strconv"
	"time"
)

// A Use is what a process, with all that it started, takes of one of its limits
// that is measured.
type Use struct {
	Process    string // as facts call it
	Limit      string // as a scenario calls it
	Used, Most string
	Share      float64 // of the limit
	By         string  // ByKernel or Watched
}

// Uses says what the fleet's processes that live take of what they may, as it was
// measured last. Any goroutine may call it.
func (f *Fleet) Uses() (all []Use) {
	for _, w := range f.watchdog.all() {
		all = append(all, w.uses()...)
	}
	return all
}

func (w *watched) uses() (all []Use) {
	w.mu.Lock()
	seen := w.seen
	w.mu.Unlock()
	b := w.c.bond
	if b.group != nil {
		seen.memory, seen.processes = b.group.Memory(), b.group.Processes()
	}
	taken := w.spending()
	add := func(limit string, used, most int64, text func(int64) string) {
		if most > 0 {
			all = append(all, Use{b.name, limit, text(used), text(most), float64(used) / float64(most), b.by[limit]})
		}
	}
	l, count := b.limits, func(n int64) string { return strconv.FormatInt(n, 10) }
	add("memory", seen.memory, l.Memory, bytesText)
	add("cpu", int64(b.before.CPU+taken.CPU), int64(l.CPU), timeText)
	add("processes", seen.processes, int64(l.Processes), count)
	add("disk", seen.disk, l.Disk, bytesText)
	add("wall", int64(b.before.Wall+taken.Wall), int64(l.Wall), timeText)
	return all
}

func timeText(n int64) string { return time.Duration(n).Round(10 * time.Millisecond).String() }
