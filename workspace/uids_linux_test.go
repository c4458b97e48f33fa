package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Whoever owns a run that somebody else began has processes that are no agents.
func TestOwnersAreUsersOfProcesses(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can have files be another user's")
		return
	}
	const somebody, agents = 61_000, 200_000
	r := Run{Dir: t.TempDir()}
	w := &Workspace{uid: agents, dir: r.agent("given")}
	w.Work, w.Home, w.Tmp = filepath.Join(w.dir, "work"), filepath.Join(w.dir, "home"), filepath.Join(w.dir, "tmp")
	theirs := filepath.Join(r.agent("theirs"), "work")
	err := errors.Join(w.make(), w.own(), os.MkdirAll(theirs, newMode))
	for _, dir := range []string{r.agent("theirs"), theirs} {
		err = errors.Join(err, os.Chown(dir, somebody, somebody))
	}
	if owners := r.Owners(); err != nil || len(owners) != 1 || !owners[agents] {
		t.Errorf("got %v, want %d alone (%v)", owners, agents, err)
	}
}
