package supervisor

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The reaper is the one process-wide state: the kernel has one SIGCHLD and one
// list of children a process. It collects the exit status of every child that
// was started through it, and buries orphans that were handed to this process
// as subreaper or PID 1. It is shared by all fleets that are open.
var reaper = struct {
	mu    sync.Mutex // guards users and what start and stop do
	users int
	stop  func()

	// starting is read-held across fork and registration, so that the reaper
	// never meets a child of ours that it does not know yet.
	starting sync.RWMutex
	children sync.Map // pid → func(death)
	before   map[int]bool
}{}

// holdReaper starts the reaper or joins the one that runs. When the last
// holder releases it, what is left of other people's children is killed and
// buried; killed says how many.
func holdReaper() (release func() (killed int)) {
	reaper.mu.Lock()
	defer reaper.mu.Unlock()
	if reaper.users++; reaper.users == 1 {
		reaper.before = map[int]bool{}
		for _, pid := range childPIDs() {
			reaper.before[pid] = true
		}
		reaper.stop = reap()
	}
	var once sync.Once
	return func() (killed int) {
		once.Do(func() {
			reaper.mu.Lock()
			defer reaper.mu.Unlock()
			if reaper.users--; reaper.users == 0 {
				killed = killOrphans(2 * time.Second)
				reaper.stop()
			}
		})
		return killed
	}
}

// reap collects children until stop is called.
func reap() (stop func()) {
	if os.Getpid() != 1 {
		// Without it orphans would go to the init process and be lost to us.
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	}
	sigs := make(chan os.Signal, 1)
	signal.Notify(sigs, syscall.SIGCHLD)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			for reapOne() {
			}
			select {
			case <-sigs:
			case <-quit:
				return
			}
		}
	}()
	return func() {
		signal.Stop(sigs)
		close(quit)
		<-done
	}
}

// reapOne collects one dead child, if there is one.
func reapOne() bool {
	// Peek first, so that the lock is taken only when a child is dead.
	pid, ok := peek()
	if !ok {
		return false
	}
	reaper.starting.Lock()
	tell, ours := reaper.children.LoadAndDelete(pid)
	reaper.starting.Unlock()
	var d death
	var used syscall.Rusage
	for {
		_, err := syscall.Wait4(pid, &d.status, syscall.WNOHANG, &used)
		if err != syscall.EINTR {
			break
		}
	}
	if ours {
		d.took(&used)
		tell.(func(death))(d)
	}
	return true
}

// peek names a child that is dead and not yet collected.
func peek() (pid int, ok bool) {
	// The pid stands at the same place in siginfo on every Linux of 64 bits.
	var info struct {
		signo, errno, code, _ int32
		pid                   int32
		rest                  [108]byte
	}
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, unix.P_ALL, 0,
			uintptr(pointer(&info)), unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, 0, 0)
		if errno != syscall.EINTR {
			return int(info.pid), errno == 0 && info.pid != 0
		}
	}
}

// killOrphans kills and buries, until none is left or patience ends, every
// child that was there neither before the reaper nor through it.
func killOrphans(patience time.Duration) (killed int) {
	seen, none := map[int]bool{}, 0
	for end := time.Now().Add(patience); time.Now().Before(end); {
		left := orphans()
		if len(left) > 0 {
			none = 0
		} else if none++; none > 1 { // one look may miss who takes turns
			return killed
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGSTOP) // at once: it may be about to start another and end
			if state, _ := procState(pid, pid); !seen[pid] && state != 'Z' && state != 'X' {
				killed++
			}
			seen[pid] = true
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(100 * time.Microsecond)
	}
	return killed
}

// childPIDs lists this process's children, dead ones not yet collected
// included.
func childPIDs() (pids []int) {
	self := strconv.Itoa(os.Getpid())
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// pid (comm) state ppid …; comm may hold anything, parentheses too.
		text := string(stat)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(fields) > 1 && fields[1] == self {
			pids = append(pids, pid)
		}
	}
	return pids
}
