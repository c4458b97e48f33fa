package bus

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What is known of the store's files holds for the store that is built in: a
// log that is closed is known by its index, one that is not by its blocks.
func TestSurvey(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	b := start(t, Options{Dir: dir})
	s := create(t, b, "r")
	for range 3 {
		fill(t, s)
		if err := s.Append(t.Context(), make([]byte, MaxPayload/2)); err != nil {
			t.Fatal(err)
		}
	}
	const want = 3 * (fullLog + 1)
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	b.Close()
	for _, at := range []string{dir, killed} {
		stream := filepath.Join(streamsDir(at), "r")
		got, err := surveyLog(stream, "r")
		if err != nil {
			t.Fatal(err)
		}
		closed := at == dir
		if got.last != want || got.damaged || len(got.blocks) < 2 {
			t.Errorf("surveyed: %+v, want %d entries", got, want)
		}
		for _, b := range got.blocks {
			if b.bad != 0 || b.written.IsZero() == closed {
				t.Errorf("surveyed: %+v, want it to hold, and its age to be known only of a log that was closed", b)
			}
		}
		if safe, err := got.through(1, want); safe != want || err != nil {
			t.Errorf("it is sound to entry %d, want %d (%v)", safe, want, err)
		}
	}
}

// An index that the survey goes by says of each block what is in it.
func TestIndexSaysWhatBlocksHold(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	s := create(t, b, "r")
	for range 4 {
		if err := s.Append(t.Context(), make([]byte, MaxPayload/2)); err != nil {
			t.Fatal(err)
		}
	}
	b.Close()
	blocks := blocksDir(filepath.Join(streamsDir(dir), "r"))
	x := readIndex(blocks, "r")
	if !x.plain || x.last != 4 {
		t.Fatalf("the index says %+v", x)
	}
	for i := range x.blocks {
		if err := x.blocks[i].check(blocks, "r"); err != nil || x.blocks[i].bad != 0 {
			t.Errorf("%+v does not hold (%v)", x.blocks[i], err)
		}
	}
}

// Whatever a block holds, surveying it ends.
func FuzzSurvey(f *testing.F) {
	dir := f.TempDir()
	b := start(f, Options{Dir: dir})
	appendAll(f, create(f, b, "r"), "one", "two")
	b.Close()
	block, err := os.ReadFile(filepath.Join(blocksDir(filepath.Join(streamsDir(dir), "r")), blockName(1)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(block)
	f.Add(block[:len(block)-1])
	f.Add(bytes.Repeat([]byte{0xff}, 100))
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, block []byte) {
		s := survey{run: "r"}
		s.add(block, 1, true)
		known := s.blocks[0]
		if known.bad == 0 && !s.damaged && known.last < known.first && s.last != 0 {
			t.Errorf("nothing is there and the last entry is %d", s.last)
		}
	})
}
