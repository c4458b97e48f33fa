package supervisor

import (
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

// starters is how many threads start processes: spawning is fastest with a few
// (two to eight), and each must live as long as the children it started.
const starters = 4

// A starter starts processes on threads that stay: a child's parent-death
// signal fires when the thread that forked it ends, not the process
// (golang/go#27505).
type starter struct {
	brand brand
	tags  atomic.Uint64 // given
	alive sync.Map      // pid → launch.of, of those that live and have one
	jobs  chan job
	wg    sync.WaitGroup
}

type job struct {
	start func()
	done  chan struct{}
}

// newStarter starts what is to have the tags of the run in a directory.
func newStarter(dir string) *starter {
	s := &starter{brand: brandOf(dir), jobs: make(chan job)}
	for range starters {
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			goruntime.LockOSThread() // never unlocked: the thread ends with the goroutine
			for j := range s.jobs {
				j.start()
				close(j.done)
			}
		}()
	}
	return s
}

// close ends the threads, and with them any child that still lives.
func (s *starter) close() {
	close(s.jobs)
	s.wg.Wait()
}

// start forks on one of the threads, registers the child with the reaper, and
// waits until it is the program that was meant; exited is called once, from the
// reaper, when the child is dead, which may be before start returns. A few start
// at a time: a thousand that restrict themselves would wait for each other.
func (s *starter) start(w *wrapped, t tag, attr *syscall.ProcAttr, exited func(death)) (pid int, err error) {
	j := job{done: make(chan struct{})}
	j.start = func() {
		if pid, err = s.fork(w, t, attr, exited); err == nil {
			w.close()
			err = w.executed()
		}
	}
	s.jobs <- j
	<-j.done
	return pid, err
}

func (s *starter) fork(w *wrapped, t tag, attr *syscall.ProcAttr, exited func(death)) (pid int, err error) {
	reaper.starting.RLock()
	defer reaper.starting.RUnlock()
	defer t.put()()
	pid, err = syscall.ForkExec(w.file, w.argv, attr)
	if err != nil {
		return pid, err
	}
	whose := &w.of
	s.alive.Store(pid, whose)
	reaper.children.Store(pid, func(d death) {
		s.alive.CompareAndDelete(pid, whose) // the number may be another's already
		exited(d)
	})
	return pid, nil
}

// whose is the launch.of of a child; empty for none that lives.
func (s *starter) whose(pid int) string {
	for range 2 {
		if of, ok := s.alive.Load(pid); ok {
			return *of.(*string)
		}
		reaper.starting.Lock()   // its fork may not have returned yet
		reaper.starting.Unlock() //nolint:staticcheck // nothing is done under it
	}
	return ""
}

// executable is the file to execute for the first word of a command: the word
// troupe means the running binary, whatever PATH says and wherever it lies.
func executable(word string) string {
	if word == "troupe" {
		return self()
	}
	return word
}
