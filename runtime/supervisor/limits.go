package supervisor

import (
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// Limits are what a process may take, together with all that it starts, and of CPU
// and Wall with those that were there before it; 0 for no bound.
type Limits struct {
	Memory    int64         // bytes that are resident and no file's
	CPU       time.Duration // processor time
	Processes int           // at a time; where the kernel counts them, each thread is one
	Files     int           // descriptors of each process
	FileSize  int64         // bytes of one file
	Disk      int64         // bytes that its workspace takes
	Wall      time.Duration
	Log       int64 // bytes of its log that are kept
}

// How a limit is held.
const (
	ByKernel = "kernel"  // nothing gets past it
	Watched  = "watched" // what is taken is measured now and then, or once it was taken
	Unheld   = "unheld"  // this system does not tell what is taken
)

// limited is every limit, by its name in a scenario.
var limited = []struct {
	name  string
	set   func(l *Limits) bool
	group bool   // by the kernel where there are control groups, else watched
	user  bool   // by the kernel too where processes have users of their own
	by    string // else
	bare  bool   // held on systems too that cannot restrict a process
}{
	{"memory", func(l *Limits) bool { return l.Memory > 0 }, true, false, "", false},
	{"cpu", func(l *Limits) bool { return l.CPU > 0 }, false, false, Watched, false},
	{"processes", func(l *Limits) bool { return l.Processes > 0 }, true, true, "", false},
	{"files", func(l *Limits) bool { return l.Files > 0 }, false, false, ByKernel, false},
	{"file_size", func(l *Limits) bool { return l.FileSize > 0 }, false, false, ByKernel, false},
	{"disk", func(l *Limits) bool { return l.Disk > 0 }, false, false, Watched, true},
	{"wall", func(l *Limits) bool { return l.Wall > 0 }, false, false, Watched, true},
	{"log", func(l *Limits) bool { return l.Log > 0 }, false, false, Watched, true},
}

// Enforcement says for each limit that is set how it is held, where groups may
// be nil; users says that each process has a user of its own.
func (l *Limits) Enforcement(groups *workspace.Cgroups, users bool) map[string]string {
	held := map[string]string{}
	for _, x := range limited {
		switch {
		case !x.set(l):
		case !workspace.Confines && !x.bare:
			held[x.name] = Unheld
		case x.group && groups != nil, x.user && users:
			held[x.name] = ByKernel
		case x.group:
			held[x.name] = Watched
		default:
			held[x.name] = x.by
		}
	}
	return held
}

// An excess is a limit that a process has passed.
type excess struct {
	limit, used, most string
	by                string
	timed             bool // a clock or a sample decided it
}

// Error implements error, where there is nothing left to start a process with.
func (x *excess) Error() string { return x.String() }

func (x *excess) String() string {
	text := fmt.Sprintf("limits.%s: ", x.limit)
	if x.used != "" {
		text += "it used " + x.used + " of "
	} else {
		text += "it is at "
	}
	return text + x.most + " (" + x.by + ")"
}

// bytesText is how people write a number of bytes.
func bytesText(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i, x := 0, float64(n)
	for x >= 1024 && i < len(units)-1 {
		x /= 1024
		i++
	}
	if x == float64(int64(x)) {
		return fmt.Sprintf("%d%s", int64(x), units[i])
	}
	return fmt.Sprintf("%.1f%s", x, units[i])
}

// GroupPrefix is how the names of the control groups of the run in a directory
// begin.
func GroupPrefix(dir string) string { return fmt.Sprintf("troupe-%x-", uint64(brandOf(dir))) }

// A bond is what holds one child to its limits.
type bond struct {
	name    string // in facts
	limits  *Limits
	account *account
	before  agent.Spent // by others, before it
	w       *workspace.Workspace
	group   *workspace.Cgroup // nil for none
	counted bool              // the kernel counts its processes by their user
	by      map[string]string // how each limit is held
}

// bind prepares a command to be held to limits; an *excess says that there is
// nothing left of one. Its caller calls tie or undo.
func (f *Fleet) bind(cmd *workspace.Command, s *Spec, a *account, w *workspace.Workspace) (*bond, error) {
	l := &s.Limits
	b := &bond{name: s.Name(), limits: l, account: a, before: a.sum(), w: w}
	if x := l.spent(b.before); x != nil {
		return nil, x
	}
	own := cmd.Confinement.UID != 0
	if own {
		f.owned.Store(true)
	}
	cmd.Confinement.Rlimits = append(cmd.Confinement.Rlimits, l.rlimits(b.before.CPU, own)...)
	if g := f.opts.Cgroups; g != nil && (l.Memory > 0 || l.Processes > 0) {
		group, err := g.Make(fmt.Sprint(f.groups.Add(1)), workspace.CgroupLimits{Memory: l.Memory, Processes: int64(l.Processes)})
		if err != nil {
			return nil, err
		}
		b.group = group
		cmd.Confinement.Groups = group.Procs
	}
	b.counted = own && l.Processes > 0 && b.group == nil
	b.by = l.Enforcement(f.opts.Cgroups, own)
	return b, nil
}

// spent says which limit is used up by so much, if any.
func (l *Limits) spent(s agent.Spent) *excess {
	switch {
	case l.CPU > 0 && s.CPU >= l.CPU:
		return &excess{limit: "cpu", used: s.CPU.String(), most: l.CPU.String(), by: Watched, timed: true}
	case l.Wall > 0 && s.Wall >= l.Wall:
		return &excess{limit: "wall", used: s.Wall.Round(time.Millisecond).String(), most: l.Wall.String(), by: Watched, timed: true}
	}
	return nil
}

// tie has the limits hold for the started child.
func (f *Fleet) tie(c *child, b *bond) {
	c.bond = b
	if b.group != nil {
		b.group.Joined()
	}
	f.watchdog.watch(c)
}

// undo is for a child that could not be started.
func (b *bond) undo() {
	if b != nil && b.group != nil {
		_ = b.group.Remove() // nothing is in it
	}
}

// group is the child's control group; nil for none.
func (c *child) group() *workspace.Cgroup {
	if c.bond == nil {
		return nil
	}
	return c.bond.group
}

// pass ends a child that has passed a limit. What it still says does not count.
func (c *child) pass(x *excess) {
	select {
	case <-c.gone: // its number may be another's
	default:
		if c.passed.CompareAndSwap(nil, x) {
			killGroup(c)
		}
	}
}

// refused says which limit the kernel has refused the child's group to pass, if
// any.
func (b *bond) refused() *excess {
	l := b.limits
	switch {
	case b.group == nil:
	case l.Memory > 0 && b.group.OutOfMemory() > 0:
		return &excess{limit: "memory", most: bytesText(l.Memory), by: ByKernel}
	case l.Processes > 0 && b.group.Refused() > 0:
		return &excess{limit: "processes", most: strconv.Itoa(l.Processes), by: ByKernel}
	}
	return nil
}

// exceeded says which limit the kernel has ended a dead child by, if any.
func (c *child) exceeded() *excess {
	if c.bond == nil {
		return nil
	}
	l, st := c.bond.limits, c.status
	switch {
	case st.Signaled() && st.Signal() == syscall.SIGXCPU && l.CPU > 0:
		return &excess{limit: "cpu", most: l.CPU.String(), by: ByKernel, timed: true}
	case st.Signaled() && st.Signal() == syscall.SIGXFSZ && l.FileSize > 0:
		return &excess{limit: "file_size", most: bytesText(l.FileSize), by: ByKernel}
	}
	return c.bond.refused()
}

// release ends what held a child that is gone, with all that it started.
func (f *Fleet) release(c *child) {
	if c.bond == nil {
		return
	}
	t := f.watchdog.forget(c)
	t.CPU = max(t.CPU, c.cpu)
	f.cpu.Add(int64(t.CPU))
	c.bond.account.add(t)
	f.spent(c.bond, agent.Spent{})
	if c.bond.group != nil {
		if err := c.bond.group.Remove(); err != nil {
			f.fact(Fact{Kind: "failed", Detail: err.Error()})
		}
	}
}

// penaltyTime is how close to each other two limits are passed that cost a process
// its next start, and for how long.
const penaltyTime = time.Second

// A penalty keeps a process that passes limits again and again from having the
// others wait for its next start each time.
type penalty struct {
	last  *excess   // the newest one
	at    time.Time // when that was
	until time.Time
}

// passed notes a limit that was passed. What no clock has decided costs nothing:
// it would then.
func (p *penalty) passed(x *excess, now time.Time) {
	if !x.timed {
		return
	}
	if now.Sub(p.at) < penaltyTime {
		p.until = now.Add(penaltyTime)
	}
	p.last, p.at = x, now
}

// now says which limit keeps the process from being started, if any.
func (p *penalty) now(now time.Time) *excess {
	if now.Before(p.until) {
		return p.last
	}
	return nil
}
