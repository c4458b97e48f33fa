package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

const fullLog = 40

func fill(t testing.TB, s *Stream) {
	t.Helper()
	for n := range fullLog {
		appendAll(t, s, strconv.Itoa(n+1))
	}
}

// mustHold checks that a log has one of these lengths, and goes on from there.
func mustHold(t *testing.T, dir string, lengths ...int) (length int) {
	t.Helper()
	b := start(t, Options{Dir: dir})
	defer b.Close()
	s, err := b.OpenStream("r")
	if err != nil {
		t.Fatal(err)
	}
	got := readAll(t, s, 1)
	if !slices.Contains(lengths, len(got)) {
		t.Fatalf("the log has %d entries, want one of %d", len(got), lengths)
	}
	for i, e := range got {
		if e != fmt.Sprintf("%d:%d", i+1, i+1) {
			t.Fatalf("entry %d is %s", i+1, e)
		}
	}
	if last, err := s.Last(t.Context()); last != uint64(len(got)) || err != nil {
		t.Fatalf("the last is %d, want %d (%v)", last, len(got), err)
	}
	for _, left := range []string{workDir(dir), filepath.Join(readyDir(dir), "r")} {
		if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left behind", left)
		}
	}
	return len(got)
}

func TestTruncate(t *testing.T) {
	for _, keep := range []int{0, 1, 17, fullLog} {
		dir := t.TempDir()
		b := start(t, Options{Dir: dir})
		other := create(t, b, "other")
		s := create(t, b, "r")
		fill(t, s)
		appendAll(t, other, "one")
		if err := s.Truncate(t.Context(), uint64(keep)); err != nil {
			t.Fatal(err)
		}
		if last, err := s.Last(t.Context()); last != uint64(keep) || err != nil {
			t.Errorf("after truncating to %d the last is %d, %v", keep, last, err)
		}
		for n := keep; n < fullLog; n++ {
			appendAll(t, s, strconv.Itoa(n+1))
		}
		appendAll(t, other, "two")
		b.Close()
		mustHold(t, dir, fullLog)
	}
}

func TestTruncateRefuses(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	s := create(t, b, "r")
	fill(t, s)
	if err := s.Truncate(t.Context(), fullLog+1); err == nil {
		t.Error("it keeps more entries than there are")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Truncate(ctx, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	b.Close()
	mustHold(t, dir, fullLog)
}

// Whatever step a process dies after, the next bus has the old log or the new.
func TestTruncateCutShort(t *testing.T) {
	const keep = 17
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	s := create(t, b, "r")
	fill(t, s)
	died := func(step string, want int) {
		t.Helper()
		at := t.TempDir()
		if err := os.CopyFS(at, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		t.Log(step)
		mustHold(t, at, want)
	}
	died("before", fullLog)
	if err := s.copyOut(t.Context(), keep); err != nil {
		t.Fatal(err)
	}
	died("copied", fullLog)
	if err := b.decide("r"); err != nil {
		t.Fatal(err)
	}
	died("decided", keep)
	if err := os.Remove(filepath.Join(streamsDir(dir), "r", "meta.inf")); err != nil { // as deleting begins
		t.Fatal(err)
	}
	died("deleting", keep)
	if err := os.RemoveAll(filepath.Join(streamsDir(dir), "r")); err != nil {
		t.Fatal(err)
	}
	died("deleted", keep)
	if err := b.adopt("r"); err != nil {
		t.Fatal(err)
	}
	died("adopted", keep)
}

// truncaterEnv names the directory in which this binary is to truncate a log
// in place of running tests.
const truncaterEnv = "TROUPE_TEST_TRUNCATER"

const truncated = 11

func truncate(dir string) {
	b, err := Start(Options{Dir: dir})
	if err == nil {
		var s *Stream
		if s, err = b.OpenStream("r"); err == nil {
			fmt.Println("now")
			err = s.Truncate(context.Background(), truncated)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	b.Close()
	os.Exit(0)
}

// A truncation is killed at random points, which are counted in looks at the
// disk, so that they come at any step.
func TestTruncateKilled(t *testing.T) {
	base := t.TempDir()
	b := start(t, Options{Dir: base})
	fill(t, create(t, b, "r"))
	b.Close()
	ended := map[int]int{}
	for range 25 {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
			t.Fatal(err)
		}
		killTruncater(t, dir, rand.IntN(40_000))
		ended[mustHold(t, dir, fullLog, truncated)]++
	}
	t.Logf("logs of these lengths were left: %v", ended)
}

func killTruncater(t *testing.T, dir string, looks int) {
	t.Helper()
	cmd, lines := child(t, truncaterEnv, dir)
	if !lines.Scan() {
		t.Error("the truncater says nothing")
	}
	for range looks {
		_, _ = os.Stat(readyDir(dir))
	}
	_ = cmd.Process.Kill() // it may have ended
	_ = cmd.Wait()
}
