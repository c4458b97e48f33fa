package supervisor

import (
	"fmt"
	"testing"

	"github.com/troupe-dev/troupe/workspace"
)

// emptyFleet has no process, and so many places.
func emptyFleet(t *testing.T, residents int) *Fleet {
	t.Helper()
	f := New(Options{Run: "r1", Dir: workspace.Run{Dir: t.TempDir()}, Walls: &workspace.Walls{}, Last: -1, Residents: residents, Goroutines: true})
	t.Cleanup(func() { f.Stop("the test is over") })
	return f
}

func (pl *places) counts() (taken, waiting int) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.taken.processes, len(pl.waiting)
}

// A process that is told to stop in the moment in which it could start takes no
// place with it, and is not started.
func TestStoppedWhileItIsPlaced(t *testing.T) {
	for name, stop := range map[string]func(f *Fleet, p *resident){
		"with a place from its beginning": func(f *Fleet, p *resident) {
			p.placed = f.places.try(0)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.revive()
			p.halt("not wanted", patient, nil)
		},
		"given one": func(f *Fleet, p *resident) {
			f.places.try(0) // another's
			p.mu.Lock()
			p.revive()
			p.mu.Unlock()
			for waiting := 0; waiting == 0; {
				_, waiting = f.places.counts()
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			f.places.leave(0, false)
			p.halt("not wanted", patient, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := emptyFleet(t, 1)
			p := newResident(f, spec("a", "plain"))
			stop(f, p)
			<-p.done()
			f.wg.Wait()
			if taken, waiting := f.places.counts(); taken != 0 || waiting != 0 || p.starts != 0 {
				t.Errorf("%d places are taken, %d wait, it was started %d times", taken, waiting, p.starts)
			}
		})
	}
}

// A process that is told to stop between its place and its start ends, and its
// place is free again.
func TestStoppedBeforeItIsStarted(t *testing.T) {
	f := emptyFleet(t, 1)
	p := newResident(f, spec("a", "plain"))
	p.mu.Lock()
	p.to(retried)
	p.mu.Unlock()
	if !p.place() {
		t.Fatal("no place")
	}
	p.stop("not wanted", patient)
	if c, err := p.start(); err == nil {
		<-c.gone
	}
	<-p.done()
	for taken := 1; taken > 0; {
		taken, _ = f.places.counts()
	}
}

// Memory is given in turn: who wants much is not passed by those who want little,
// and gets it once there is room.
func TestPlacesByMemory(t *testing.T) {
	pl := newPlaces(0, 100)
	if !pl.try(60) || pl.try(50) || !pl.try(40) {
		t.Fatal("100 are not given as 60 and 40")
	}
	pl.leave(40, false)
	over := make(chan struct{})
	large, small := make(chan bool), make(chan bool)
	go func() { large <- pl.take(100, over) }()
	await := func(n int) {
		for waiting := 0; waiting != n; {
			_, waiting = pl.counts()
		}
	}
	await(1)
	go func() { small <- pl.take(10, over) }()
	await(2)
	if pl.try(10) {
		t.Error("somebody passed those who wait")
	}
	pl.leave(60, false)
	if !<-large {
		t.Error("no place for the first")
	}
	await(1)
	close(over)
	if <-small {
		t.Error("a place for the second, which there is not")
	}
	pl.leave(100, false)
	if !pl.try(100) {
		t.Error("not all is free again")
	}
}

// Where the memory of all does not fit, those at rest are parked for those who
// are asked, and all have their turns.
func TestParkedForMemory(t *testing.T) {
	var specs []Spec
	for _, id := range []string{"a", "b", "c", "d"} {
		s := spec(id, "count")
		s.Parks, s.Limits.Memory = true, 512<<20
		specs = append(specs, s)
	}
	s := keptStage(t, t.TempDir(), comeback{memory: 1 << 30}, -1, nil, specs...)
	for n := range 3 {
		for _, id := range []string{"a", "b", "c", "d"} {
			want(t, s.tick(n, 0, id), id, "", fmt.Sprintf(`{"n":%d}`, n+1))
			if taken, _ := s.places.counts(); taken > 2 {
				t.Errorf("%d processes take 512 MiB of 1 GiB", taken)
			}
		}
	}
}
