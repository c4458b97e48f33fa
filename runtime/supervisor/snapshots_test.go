package supervisor

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestKeptStates has states of many ticks, of which those stay that somebody
// comes back to.
func TestKeptStates(t *testing.T) {
	for _, c := range []struct {
		name       string
		told, kept []int
		last       int // of the run that goes on
		left       []int
	}{
		{"the two newest", []int{1, 2, 3, 4}, nil, 9, []int{3, 4}},
		{"at checkpoints", []int{1, 4, 9, 14, 19}, []int{4, 9}, 19, []int{4, 9, 14, 19}},
		{"before checkpoints", []int{1, 3, 6, 14, 19}, []int{4, 9}, 19, []int{3, 6, 14, 19}},
		{"one that could not tell for long", []int{2, 30, 31}, []int{10, 20}, 31, []int{2, 30, 31}},
		{"ahead of the log", []int{4, 9, 14}, []int{4}, 12, []int{4, 9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "checkpoints", "states", "a")
			s := &snapshots{dir: dir, sync: true}
			for _, tick := range c.told {
				if err := s.write(tick, []toldState{{Agent: "a", Tick: tick + 1, State: []byte(`{"n":"<"}`)}}); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.keep(c.kept); err != nil {
				t.Fatal(err)
			}
			again, err := openSnapshots(dir, true, c.last)
			if err != nil || !slices.Equal(again.ticks, c.left) {
				t.Fatalf("left are %v, %v, want %v", again.ticks, err, c.left)
			}
			tick, states, err := again.read([]string{"a"})
			if err != nil || tick != c.left[len(c.left)-1] || string(states["a"].State) != `{"n":"<"}` {
				t.Errorf("read %v of tick %d, %v", states, tick, err)
			}
		})
	}
}
