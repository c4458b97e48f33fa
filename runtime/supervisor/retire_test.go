package supervisor

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A process that was told to stop while it waited to be started is not started.
func TestStopBeforeTheStart(t *testing.T) {
	s := open(t)
	p := newResident(s.Fleet, spec("a", "count"))
	p.stop("too early", closing)
	<-p.done()
	if p.place() {
		t.Error("it is to be started")
	}
}

// An agent that ends while its process is told its past again holds up nobody.
func TestRetireWhileHydrating(t *testing.T) {
	s := open(t, spec("a b", "forgets", "a", filepath.Join(t.TempDir(), "done")))
	s.tick(0, time.Minute, "a b")
	o := observe("b", 1, time.Minute)
	s.Ask([]*agent.Observe{&o})
	for s.Statuses()[0].State != Hydrating {
		time.Sleep(time.Millisecond)
	}
	s.Retire([]string{"a"}, "removed")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	list := s.Await(ctx)
	if len(list) == 0 {
		t.Fatal("the process still waits for an agent that has ended")
	}
	if a := list[0]; a.Agent != "b" || string(a.Act.Action) != `{"n":2}` {
		t.Errorf("got %+v", a)
	}
}
