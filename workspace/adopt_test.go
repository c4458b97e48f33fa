package workspace

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAdopt takes over what is kept up to a tick; the other run may go.
func TestAdopt(t *testing.T) {
	from, to := Run{Dir: filepath.Join(t.TempDir(), "from")}, Run{Dir: filepath.Join(t.TempDir(), "to")}
	w, err := from.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Release()
	c, err := from.Captures("a", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		tick int
		text string
	}{{2, "two"}, {5, "five"}} {
		if err := os.WriteFile(filepath.Join(w.Work, "note"), []byte(x.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.Take(x.tick, w); err != nil {
			t.Fatal(err)
		}
	}
	states := filepath.Join("checkpoints", "states", "a")
	if err := os.MkdirAll(filepath.Join(from.Dir, states), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from.Dir, states, "5.jsonl"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	newest, err := to.Adopt(from, "a", 4)
	if err != nil || newest != 2 {
		t.Fatalf("up to tick 4 the newest is %d, %v", newest, err)
	}
	if newest, err := to.Adopt(from, "nobody", 4); err != nil || newest != -1 {
		t.Errorf("of nobody the newest is %d, %v", newest, err)
	}
	if err := os.RemoveAll(from.Dir); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(to.Dir, states, "5.jsonl")); err != nil || string(text) != "{}" {
		t.Errorf("states: %q, %v", text, err)
	}
	back, err := to.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	defer back.Release()
	kept, err := to.Captures("a", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Restore(2, back); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(back.Work, "note")); err != nil || string(text) != "two" {
		t.Errorf("its note is %q, %v", text, err)
	}
}
