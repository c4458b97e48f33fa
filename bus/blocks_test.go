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
		got, err := surveyBlocks(stream, "r")
		if got != (survey{last: want}) || err != nil {
			t.Errorf("surveyed: %+v, %v, want %d entries", got, err, want)
		}
		files, err := os.ReadDir(blocksDir(stream))
		if err != nil {
			t.Fatal(err)
		}
		var blocks []int
		for _, f := range files {
			if n := blockNumber(f.Name()); n > 0 {
				blocks = append(blocks, n)
			}
		}
		if last, closed := indexed(blocksDir(stream), "r", blocks); closed != (at == dir) || closed && last != want {
			t.Errorf("the index says %d, %v", last, closed)
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
	f.Fuzz(func(_ *testing.T, block []byte) {
		var s survey
		s.block(block, "r", 1, true)
	})
}
