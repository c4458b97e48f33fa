package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// spawners is how many threads fork side by side where children are not kept
// on processors: the supervisor's number.
const spawners = 4

// bareOptions say what a bare fleet is made of.
type bareOptions struct {
	program *program
	agents  int                  // a process each
	args    func(i int) []string // of each process
	flood   string               // of the first, from its first line on; empty for none
	// pin keeps each child on the processor of the thread that drives it, one
	// thread a processor; else a few threads fork, and that is all they do.
	pin bool
}

// A bareFleet is the floor: children with two pipes each, and threads that
// write a line to each of theirs and read the answers in order. Nothing is
// checked, kept or restarted.
type bareFleet struct {
	bareOptions
	workers []*bareWorker
	barrier barrier
	threads sync.WaitGroup
	over    chan struct{} // ends the watch
	watch   sync.WaitGroup

	mu     sync.Mutex // guards pids and killed
	pids   []int
	killed bool
}

// A bareWorker is one thread with its children.
type bareWorker struct {
	fleet *bareFleet
	core  int
	first int // its children are first, first + the number of workers, …
	kids  []kid
	jobs  chan bareJob
	done  chan error // of what was asked last
	buf   []byte
}

type kid struct {
	pid, in, out int
	floods       bool // its stdout, with lines that have no brace in them
}

// A bareJob is to start the children, or to play ticks with them.
type bareJob struct {
	start bool
	lines [][]byte // by agent
	ticks int
	took  *time.Duration
}

// startBare starts the children and says how long it took until each has said
// ready. The fleet must be stopped. When ctx ends, its children are killed.
func startBare(ctx context.Context, o bareOptions) (*bareFleet, time.Duration, error) {
	f := &bareFleet{bareOptions: o, over: make(chan struct{})}
	n := spawners
	if o.pin {
		n = goruntime.NumCPU()
	}
	n = min(n, o.agents)
	f.barrier.parties = int32(n)
	f.watch.Go(func() {
		select {
		case <-ctx.Done():
			f.kill()
		case <-f.over:
		}
	})
	defer beside(n)()
	for i := range n {
		w := &bareWorker{fleet: f, core: i, first: i, jobs: make(chan bareJob), done: make(chan error, 1), buf: make([]byte, 64<<10)}
		f.workers = append(f.workers, w)
		f.threads.Go(w.run)
	}
	_ = f.await() // the threads are there, as the supervisor's are; no error yet
	start := time.Now()
	for _, w := range f.workers {
		w.jobs <- bareJob{start: true}
	}
	err := f.await()
	took := time.Since(start)
	if err != nil {
		f.stop()
		return nil, 0, err
	}
	return f, took, nil
}

func (f *bareFleet) await() error {
	var errs []error
	for _, w := range f.workers {
		errs = append(errs, <-w.done)
	}
	return errors.Join(errs...)
}

// beside gives Go's scheduler processors beside those of so many threads, which
// block without its knowing: somebody has to watch meanwhile.
func beside(threads int) (release func()) {
	before := goruntime.GOMAXPROCS(threads + 2)
	return func() { goruntime.GOMAXPROCS(before) }
}

// play asks each child its line, tick after tick, and says how long it took.
func (f *bareFleet) play(lines [][]byte, ticks int) (took time.Duration, err error) {
	defer beside(len(f.workers))()
	for i, w := range f.workers {
		job := bareJob{lines: lines, ticks: ticks}
		if i == 0 {
			job.took = &took
		}
		w.jobs <- job
	}
	err = f.await()
	return took, err
}

// stop kills the children and returns when they and the threads are gone.
func (f *bareFleet) stop() {
	f.kill()
	for _, w := range f.workers {
		close(w.jobs)
	}
	f.threads.Wait()
	close(f.over)
	f.watch.Wait()
}

func (f *bareFleet) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.killed = true
	for _, pid := range f.pids {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // and a process of its own that floods
	}
	f.pids = nil // they are reaped from now on
}

// run is the worker's thread, to the end of its children.
func (w *bareWorker) run() {
	goruntime.LockOSThread() // never unlocked: the thread ends with its children
	defer w.bury()
	w.done <- nil
	for job := range w.jobs {
		if job.start {
			w.done <- w.start()
		} else {
			w.done <- w.play(job)
		}
	}
}

func (w *bareWorker) start() error {
	f := w.fleet
	if f.pin {
		var set unix.CPUSet
		set.Set(w.core)
		// Where it is not allowed (a container with fewer processors), the
		// floor is lower and stays a floor.
		_ = unix.SchedSetaffinity(0, &set)
	}
	for i := w.first; i < f.agents; i += int(f.barrier.parties) {
		if err := w.spawn(i); err != nil {
			return fmt.Errorf("cannot start a child: %w", err)
		}
	}
	for _, k := range w.kids {
		if err := w.line(k); err != nil {
			return err
		}
	}
	return nil
}

// spawn starts one child, with its init in its pipe.
func (w *bareWorker) spawn(i int) error {
	f := w.fleet
	var in, out [2]int
	if err := syscall.Pipe2(in[:], syscall.O_CLOEXEC); err != nil {
		return err
	}
	defer func() { _ = syscall.Close(in[0]) }()
	if err := syscall.Pipe2(out[:], syscall.O_CLOEXEC); err != nil {
		_ = syscall.Close(in[1])
		return err
	}
	defer func() { _ = syscall.Close(out[1]) }()
	stderr, release, err := f.stderr(i)
	if err != nil {
		_, _ = syscall.Close(in[1]), syscall.Close(out[0])
		return err
	}
	defer release()
	k := kid{in: in[1], out: out[0], floods: i == 0 && f.flood == floodStdout}
	_ = rawWrite(k.in, agent.AppendInit(nil, agent.Init{Run: "bare", Agent: agentID(i)}))
	file, argv, env := f.program.launch(f.args(i)...)
	k.pid, err = syscall.ForkExec(file, argv, &syscall.ProcAttr{
		Env: env, Files: []uintptr{uintptr(in[0]), uintptr(out[1]), uintptr(stderr)},
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		_, _ = syscall.Close(k.in), syscall.Close(k.out)
		return err
	}
	w.kids = append(w.kids, k)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.killed {
		_ = syscall.Kill(-k.pid, syscall.SIGKILL)
	} else {
		f.pids = append(f.pids, k.pid)
	}
	return nil
}

// stderr is what the i-th child has as its stderr: ours, and where it floods
// that, a pipe that is read by a thread more and goes nowhere. Release it once
// the child has it.
func (f *bareFleet) stderr(i int) (fd int, release func(), err error) {
	if i != 0 || f.flood != floodLog {
		return 2, func() {}, nil
	}
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
		return 0, nil, err
	}
	f.threads.Go(func() {
		defer func() { _ = syscall.Close(p[0]) }()
		buf := make([]byte, 64<<10)
		for {
			if n, err := syscall.Read(p[0], buf); n <= 0 && !errors.Is(err, syscall.EINTR) {
				return
			}
		}
	})
	return p[1], func() { _ = syscall.Close(p[1]) }, nil
}

// line reads what a child says, up to the end of its line: the one with a
// brace, of a child that floods.
func (w *bareWorker) line(k kid) error {
	within := !k.floods
	for {
		n, errno := rawRead(k.out, w.buf)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0 || n == 0:
			return errSilent
		}
		said := w.buf[:n]
		if !within {
			at := bytes.IndexByte(said, '{')
			if at < 0 {
				continue
			}
			within, said = true, said[at:]
		}
		if said[len(said)-1] == '\n' || k.floods && bytes.IndexByte(said, '\n') >= 0 {
			return nil
		}
	}
}

// play is this thread's share of some ticks. All threads end each together.
func (w *bareWorker) play(job bareJob) error {
	b := &w.fleet.barrier
	step := int(b.parties)
	if !b.wait() {
		return errSilent
	}
	start := time.Now()
	for range job.ticks {
		at := w.first
		for _, k := range w.kids {
			if errno := rawWrite(k.in, job.lines[at]); errno != 0 {
				b.abort()
				return errSilent
			}
			at += step
		}
		for _, k := range w.kids {
			if err := w.line(k); err != nil {
				b.abort()
				return err
			}
		}
		if !b.wait() {
			return errSilent
		}
	}
	if job.took != nil {
		*job.took = time.Since(start)
	}
	return nil
}

func (w *bareWorker) bury() {
	for _, k := range w.kids {
		_, _ = syscall.Close(k.in), syscall.Close(k.out)
		for {
			if _, err := syscall.Wait4(k.pid, nil, 0, nil); !errors.Is(err, syscall.EINTR) {
				break
			}
		}
	}
}
