package runtime

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/troupe-dev/troupe/runtime/record"
)

// The newest checkpoint before a tick is one that can be read.
func TestTheNewestCheckpointThatCanBeRead(t *testing.T) {
	c := &checkpoints{dir: t.TempDir(), keep: 4}
	for _, tick := range []int{5, 10, 15, 20} {
		if err := c.add(&record.Checkpoint{Tick: tick, Society: []byte(`{}`)}, tick); err != nil {
			t.Fatal(err)
		}
	}
	file := func(tick int) string { return filepath.Join(c.dir, strconv.Itoa(tick)+".json.s2") }
	if err := os.Truncate(file(15), 10); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file(20)); err != nil {
		t.Fatal(err)
	}
	for tick, want := range map[int]int{4: 0, 5: 5, 9: 5, 10: 10, 15: 10, 99: 10} {
		got := 0
		if k := c.before(tick); k != nil {
			got = k.Tick
		}
		if got != want {
			t.Errorf("before tick %d: the one of %d, want %d", tick, got, want)
		}
	}
}

// What an agent is told its past from stays, however old it is.
func TestCheckpointsThatStay(t *testing.T) {
	c := &checkpoints{dir: t.TempDir(), keep: 2}
	for _, step := range []struct {
		tick, oldest int
		left         []int
	}{
		{5, 5, []int{5}}, {10, 10, []int{5, 10}}, {15, 12, []int{10, 15}}, {20, 12, []int{10, 15, 20}},
		{25, 10, []int{10, 15, 20, 25}}, {30, 30, []int{25, 30}}, {35, 3, []int{30, 35}},
	} {
		if err := c.add(&record.Checkpoint{Tick: step.tick, Society: []byte(`{}`)}, step.oldest); err != nil {
			t.Fatal(err)
		}
		disk, err := record.Checkpoints(c.dir)
		if err != nil || !slices.Equal(disk, step.left) || !slices.Equal(c.all(), step.left) {
			t.Errorf("after that of tick %d: %v, on disk %v (%v), want %v", step.tick, c.all(), disk, err, step.left)
		}
	}
}
