package supervisor

import (
	"fmt"
	goruntime "runtime"
	"syscall"
	"time"
)

// graces is how long a process may take to obey: from the end of its stdin to
// TERM, and from there to KILL.
type graces struct{ term, kill time.Duration }

var (
	patient = graces{5 * time.Second, 5 * time.Second}
	// closing keeps the whole stop of a supervisor within 4 s.
	closing = graces{2 * time.Second, 1500 * time.Millisecond}
)

// stopChild takes a child through the protocol's stop, its stdin being closed
// already, and returns when it is gone.
func stopChild(c *child, g graces) {
	for _, step := range []struct {
		wait time.Duration
		sig  syscall.Signal
	}{{g.term, syscall.SIGTERM}, {g.kill, syscall.SIGKILL}} {
		t := time.NewTimer(step.wait)
		select {
		case <-c.gone:
			t.Stop()
			return
		case <-t.C:
			c.signal(step.sig)
		}
	}
	<-c.gone
}

// exitText says how a process ended.
func exitText(st syscall.WaitStatus) string {
	if st.Signaled() {
		text := fmt.Sprintf("killed by signal %d (%s)", int(st.Signal()), st.Signal())
		if st.CoreDump() {
			text += ", core dumped"
		}
		return text
	}
	return fmt.Sprintf("exited with status %d", st.ExitStatus())
}

// Stop ends all processes by the protocol's sequence, in 4 s at most, and
// waits until they are gone, with all that they started; it says how many of
// those had to be killed in the fleet's life, of processes that were gone. Further
// calls wait for the first and say the same.
func (f *Fleet) Stop(reason string) (killed int) {
	f.once.Do(func() { f.killed = f.stop(reason) })
	return f.killed
}

func (f *Fleet) stop(reason string) (killed int) {
	f.closing.Store(true)
	drivers := f.all()
	for _, w := range f.watchers {
		w.resume()
	}
	for _, d := range drivers {
		d.stop(reason, closing)
	}
	for _, p := range f.runningPrograms() {
		f.wg.Go(func() { p.Stop(f.ctx) })
	}
	for _, d := range drivers {
		<-d.done()
	}
	for _, p := range f.runningPrograms() {
		<-p.Done()
	}
	f.cancel()
	f.wg.Wait()
	for _, w := range f.watchers {
		w.close()
	}
	if len(f.watchers) > 0 {
		goruntime.GOMAXPROCS(f.processors)
	}
	f.swept.Add(int64(sweepRun(f.starter.brand, f.users())))
	killed = int(f.swept.Load()) + f.reaped()
	f.starter.close()
	return killed
}

// users are those that the fleet's processes have for themselves, if any.
func (f *Fleet) users() map[int]bool {
	if !f.owned.Load() {
		return nil
	}
	return f.opts.Walls.Owners()
}

// sweep ends all that a dead process of some agent has left, before another takes
// its place. Where the fleet stops, all that processes left is ended together, but
// for those in control groups. It says which limit the kernel has ended the
// process by, if any.
func (f *Fleet) sweep(c *child, agent string, tick int) *excess {
	if c.pid == 0 { // a program elsewhere is no child, and leaves nothing here
		return nil
	}
	defer f.release(c)
	x := c.exceeded()
	if f.closing.Load() && c.group() == nil {
		return x
	}
	if n := sweep(c); n > 0 {
		f.swept.Add(int64(n))
		f.fact(Fact{Agent: agent, Kind: "swept", Tick: max(tick, 0), Detail: fmt.Sprintf("%d processes that it left behind were killed", n)})
	}
	return x
}

// Kill ends all processes at once; Stop is still to be called.
func (f *Fleet) Kill() {
	for _, d := range f.all() {
		d.kill()
	}
	for _, p := range f.runningPrograms() {
		killGroup(p.c)
	}
}
