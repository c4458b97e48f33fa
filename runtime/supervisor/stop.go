package supervisor

import (
	"fmt"
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
