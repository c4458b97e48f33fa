package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The sockets that a killed supervisor left are gone once the run is over, those of
// processes too that have not come back.
func TestRemoveSockets(t *testing.T) {
	run := Run{Dir: filepath.Join(t.TempDir(), "r")}
	w, _ := opened(t, run, "a")
	left := filepath.Join(filepath.Dir(w.Work), socketName)
	write(t, left, "")
	opened(t, run, "b")
	if err := run.RemoveSockets(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
	if _, err := os.Stat(w.Work); err != nil {
		t.Error(err)
	}
}
