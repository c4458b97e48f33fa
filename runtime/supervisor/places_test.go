package supervisor

import (
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
	return pl.taken, len(pl.waiting)
}

// A process that is told to stop in the moment in which it could start takes no
// place with it, and is not started.
func TestStoppedWhileItIsPlaced(t *testing.T) {
	for name, stop := range map[string]func(f *Fleet, p *resident){
		"with a place from its beginning": func(f *Fleet, p *resident) {
			p.placed = f.places.try()
			p.mu.Lock()
			defer p.mu.Unlock()
			p.revive()
			p.halt("not wanted", patient, nil)
		},
		"given one": func(f *Fleet, p *resident) {
			f.places.try() // another's
			p.mu.Lock()
			p.revive()
			p.mu.Unlock()
			for waiting := 0; waiting == 0; {
				_, waiting = f.places.counts()
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			f.places.leave(false)
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
