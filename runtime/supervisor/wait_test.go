package supervisor

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWaitToSpawn: a program that cannot be started yet holds up neither the
// start of the others nor its own, once it can be.
func TestWaitToSpawn(t *testing.T) {
	program := filepath.Join(t.TempDir(), "later")
	sp := spec("a", "count")
	sp.Command, sp.WaitToSpawn = []string{program, "agent", "count"}, true
	s := open(t, sp, spec("b", "count")) // returns
	want(t, s.tick(0, 0, "b"), "b", "", `{"n":1}`)
	if err := os.Symlink(os.Args[0], program); err != nil {
		t.Fatal(err)
	}
	want(t, s.tick(1, 0, "a b"), "a", "", `{"n":1}`)
}
