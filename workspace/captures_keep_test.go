package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Killed at any moment, Take leaves temporary files and blobs without a
// manifest, and what was there before.
func TestKilledInTheMiddle(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, c := opened(t, run, "a")
	write(t, w.Work+"/f", "one")
	want := both(t, w)
	take(t, c, 1, w)
	write(t, w.Work+"/g", "two")
	take(t, c, 2, w)
	whole := files(t, c.dir)
	if err := errors.Join(os.Remove(c.manifest(2)), os.WriteFile(filepath.Join(c.dir, newBlob), []byte("tw"), 0o600),
		os.WriteFile(filepath.Join(c.dir, newManifest), []byte(`{"tick":2`), 0o600)); err != nil {
		t.Fatal(err)
	}
	c = captures(t, run, "a")
	restore(t, c, 2, w, 1)
	wantSame(t, both(t, w), want)
	if now := files(t, c.dir); len(now) != len(whole)-1 {
		t.Errorf("%v is left of %v", now, whole)
	}
	if err := c.Keep([]int{1}); err != nil {
		t.Fatal(err)
	}
	if now := files(t, c.dir); len(now) != 2 {
		t.Errorf("%v is kept, want a blob and its manifest", now)
	}
	restore(t, c, 1, w, 1)
	wantSame(t, both(t, w), want)
}

func TestDamagedCapturesAreNamed(t *testing.T) {
	for _, c := range []struct {
		name, says string
		do         func(c *Captures, blob string) error
	}{
		{"an empty manifest", "1.jsonl", func(c *Captures, _ string) error { return os.Truncate(c.manifest(1), 0) }},
		{"a torn manifest", "after 3 entries", func(c *Captures, _ string) error {
			info, err := os.Stat(c.manifest(1))
			return errors.Join(err, os.Truncate(c.manifest(1), info.Size()-3))
		}},
		{"another tick's", "tick 1, not of 4", func(c *Captures, _ string) error { return os.Rename(c.manifest(1), c.manifest(4)) }},
		{"a way out", "no entry of a capture", func(c *Captures, _ string) error {
			text, err := os.ReadFile(c.manifest(1))
			return errors.Join(err, os.WriteFile(c.manifest(1), []byte(strings.Replace(string(text), `"f"`, `"../f"`, 1)), 0o600))
		}},
		{"a lost blob", "not exist", func(_ *Captures, blob string) error { return os.Remove(blob) }},
		{"a changed blob", "it holds", func(_ *Captures, blob string) error { return os.WriteFile(blob, []byte("owe"), 0o600) }},
		{"a cut blob", "it holds", func(_ *Captures, blob string) error { return os.Truncate(blob, 0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := Run{Dir: t.TempDir()}
			w, captured := opened(t, run, "a")
			write(t, w.Work+"/f", "one")
			take(t, captured, 1, w)
			if err := c.do(captured, captured.blob(captured.all[0].blobs[0])); err != nil {
				t.Fatal(err)
			}
			write(t, w.Work+"/f", "two")
			captured = captures(t, run, "a")
			_, err := captured.Restore(9, w)
			var damaged *DamagedError
			if !errors.As(err, &damaged) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), captured.dir) {
				t.Errorf("got %v, want a DamagedError with %q", err, c.says)
			}
			write(t, w.Work+"/f", "three")
			take(t, captured, 10, w)
			restore(t, captures(t, run, "a"), 10, w, 10)
			if text, err := os.ReadFile(w.Work + "/f"); string(text) != "three" {
				t.Errorf("got %q, %v", text, err)
			}
			if err := captures(t, run, "a").Keep([]int{10}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKeepAndDrop(t *testing.T) {
	const last = 9
	for _, c := range []struct {
		name  string
		keep  []int
		drop  int // after this; last for nothing
		left  []int
		fresh bool
	}{
		{"nothing", nil, last, nil, false},
		{"one", []int{4}, last, []int{4}, false},
		{"between two", []int{5, 7}, last, []int{4, 6}, false},
		{"all in one place", []int{6, 7, 7}, last, []int{6}, true},
		{"before all", []int{1}, last, nil, true},
		{"far after", []int{1000}, last, []int{8}, true},
		{"dropped", []int{4, 6, 8}, 6, []int{4, 6}, false},
		{"dropped to between", []int{2, 8}, 5, []int{2, 4}, true},
		{"all dropped", []int{2, 8}, 1, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := Run{Dir: t.TempDir()}
			w, captured := opened(t, run, "a")
			write(t, w.Home+"/common", "common")
			states := make(map[int]string)
			for tick := 2; tick < last; tick += 2 { // of 2, 4, 6 and 8
				write(t, w.Work+"/f", strconv.Itoa(tick))
				states[tick] = both(t, w)
				take(t, captured, tick, w)
			}
			if c.fresh {
				captured = captures(t, run, "a")
			}
			if err := errors.Join(captured.Drop(c.drop), captured.Keep(c.keep)); err != nil {
				t.Fatal(err)
			}
			want := make([]string, 0, len(c.left))
			for _, tick := range c.left {
				want = append(want, strconv.Itoa(tick)+manifestSuffix)
			}
			got := files(t, captured.dir)
			blobs := slices.DeleteFunc(slices.Clone(got), func(n string) bool { return !strings.HasPrefix(n, blobsName) })
			if got = got[:len(got)-len(blobs)]; !slices.Equal(got, want) {
				t.Errorf("left are %v, want %v", got, want)
			}
			if most := len(c.left) + min(1, len(c.left)); len(blobs) != most {
				t.Errorf("%d blobs are left, want %d", len(blobs), most)
			}
			for _, tick := range c.left {
				restore(t, captured, tick, w, tick)
				wantSame(t, both(t, w), states[tick])
			}
		})
	}
}

// What is no file is left out, and hard links come back as files of their own.
func TestSpecialFiles(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, c := opened(t, run, "a")
	write(t, w.Work+"/f", "f")
	if err := os.Link(w.Work+"/f", w.Work+"/g"); err != nil {
		t.Fatal(err)
	}
	t.Chdir(w.Work) // a socket's path is short
	l, err := net.Listen("unix", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	take(t, c, 1, w)
	take(t, c, 2, w)
	if c.Newest() != 1 {
		t.Error("a socket makes captures")
	}
	write(t, w.Work+"/h", "h") // beside the socket
	take(t, c, 3, w)
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	restore(t, c, 3, w, 3)
	if got := files(t, w.Work); !slices.Equal(got, []string{"f", "g", "h"}) {
		t.Errorf("got %v", got)
	}
	f, err := os.Stat(w.Work + "/f")
	if err != nil {
		t.Fatal(err)
	}
	if g, err := os.Stat(w.Work + "/g"); err != nil || os.SameFile(f, g) {
		t.Errorf("f and g are one file, %v", err)
	}
}

// Somebody who writes all the while fails no capture.
func TestWrittenMeanwhile(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, c := opened(t, run, "a")
	stop, stopped := make(chan struct{}), make(chan struct{})
	begun := make(chan struct{})
	go func() {
		defer close(stopped)
		rng := rand.New(rand.NewPCG(1, 1))
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				edit(rng, w.Work) // fails at times, with what was there an edit ago
			}
			if n == 50 {
				close(begun)
			}
		}
	}()
	<-begun
	for tick := range 60 {
		take(t, c, tick, w)
	}
	close(stop)
	<-stopped
	take(t, c, 60, w)
	want := both(t, w)
	write(t, w.Work+"/more", "x")
	restore(t, captures(t, run, "a"), 60, w, c.Newest())
	wantSame(t, both(t, w), want)
}

// edit does one thing to a tree.
func edit(rng *rand.Rand, root string) {
	dir := root
	for range rng.IntN(4) {
		dir = filepath.Join(dir, strconv.Itoa(rng.IntN(3)))
	}
	path := filepath.Join(dir, strconv.Itoa(rng.IntN(5)))
	other := filepath.Join(root, strconv.Itoa(rng.IntN(5)))
	text := make([]byte, rng.IntN(3)*rng.IntN(3000))
	for i := range text {
		text[i] = byte(rng.IntN(256))
	}
	mode := []fs.FileMode{0o600, 0o755, 0o400, 0o700, 0o000}[rng.IntN(5)]
	when := time.Unix(rng.Int64N(3e9)-1e9, rng.Int64N(1e9))
	edits := []func() error{
		func() error { return os.MkdirAll(path, 0o700) },
		func() error { return os.MkdirAll(dir, 0o700) },
		func() error { return os.WriteFile(path, text, mode) },
		func() error { return os.WriteFile(path, text[:len(text)/2], mode) },
		func() error { return os.RemoveAll(path) },
		func() error { return os.Remove(path) },
		func() error { return os.Chmod(path, mode) },
		func() error { return os.Chtimes(path, when, when) },
		func() error { return os.Symlink(other, path) },
		func() error { return os.Rename(path, other) },
		func() error { return os.Link(path, other) },
		func() error { return os.Truncate(path, rng.Int64N(100000)) },
	}
	_ = edits[rng.IntN(len(edits))]() // many cannot be done
}

// Whatever is done between captures, going back to any of them gives the same
// tree.
func TestAnyEditIsUndone(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := &history{t: t, rng: rand.New(rand.NewPCG(seed, 0)), run: Run{Dir: t.TempDir()}, states: make(map[int]string)}
			h.w, h.c = opened(t, h.run, "a")
			for h.next < 40 {
				h.tick()
				if h.rng.IntN(3) == 0 {
					h.back()
				}
			}
		})
	}
}

// A history is a workspace and what it was at the ticks that can be gone back to.
type history struct {
	t      *testing.T
	rng    *rand.Rand
	run    Run
	w      *Workspace
	c      *Captures
	next   int
	states map[int]string
}

func (h *history) tick() {
	for range h.rng.IntN(12) {
		edit(h.rng, []string{h.w.Work, h.w.Home}[h.rng.IntN(2)])
	}
	take(h.t, h.c, h.next, h.w)
	h.states[h.next] = both(h.t, h.w)
	h.next++
}

func (h *history) restore(tick int) {
	at, err := h.c.Restore(tick, h.w)
	if err != nil || at != h.c.before(tick) || at > tick {
		h.t.Fatalf("restored %d to %d, %v", tick, at, err)
	}
	if at >= 0 { // else the times are another new workspace's
		wantSame(h.t, both(h.t, h.w), h.states[tick])
	}
}

// back goes to an earlier tick, and on from there, or from where it was.
func (h *history) back() {
	if h.rng.IntN(2) == 0 {
		h.c = captures(h.t, h.run, "a")
	}
	ticks := slices.Sorted(maps.Keys(h.states))
	to, last := ticks[h.rng.IntN(len(ticks))], ticks[len(ticks)-1]
	h.restore(to)
	if h.rng.IntN(2) == 0 {
		if err := h.c.Drop(to); err != nil {
			h.t.Fatal(err)
		}
		maps.DeleteFunc(h.states, func(tick int, _ string) bool { return tick > to })
		h.next, last = to+1, to
	}
	if h.rng.IntN(2) == 0 {
		if err := h.c.Keep([]int{to, last}); err != nil {
			h.t.Fatal(err)
		}
		maps.DeleteFunc(h.states, func(tick int, _ string) bool { return tick != to && tick != last })
	}
	if h.rng.IntN(2) == 0 {
		h.restore(to)
	}
	h.restore(last)
}

func TestSyncedCaptures(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, err := run.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Release()
	c, err := run.Captures("a", true)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w.Work+"/f", "f")
	take(t, c, 0, w)
	write(t, w.Work+"/f", "g")
	take(t, c, 1, w)
	if err := c.Keep([]int{1}); err != nil {
		t.Fatal(err)
	}
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	restore(t, c, 1, w, 1)
	if text, err := os.ReadFile(w.Work + "/f"); string(text) != "g" {
		t.Errorf("got %q, %v", text, err)
	}
}

// A thousand files of which one changes, as a tick's capture finds them.
func BenchmarkTake(b *testing.B) {
	w, c := opened(b, Run{Dir: b.TempDir()}, "a")
	for i := range 1000 {
		write(b, fmt.Sprintf("%s/%d/%d", w.Work, i/50, i), strings.Repeat("text ", i))
	}
	take(b, c, 0, w)
	tick := 0
	for _, changed := range []bool{false, true} {
		b.Run(fmt.Sprintf("files=1000/changed=%v", changed), func(b *testing.B) {
			for b.Loop() {
				tick++
				if changed {
					write(b, w.Work+"/3/150", strconv.Itoa(tick))
				}
				take(b, c, tick, w)
				if err := c.Keep([]int{tick - 1, tick}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("files=0", func(b *testing.B) {
		w, c := opened(b, Run{Dir: b.TempDir()}, "b")
		for b.Loop() {
			take(b, c, 0, w)
		}
	})
}
