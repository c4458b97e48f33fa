package bus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A spot is a byte of an entry in a block, from 0 on.
type spot struct {
	name string
	at   func(item []byte) int
	bits []byte // to be flipped, one after the other
}

// spots are a byte of each kind, and every byte of lengths and numbers.
func spots() []spot {
	headers := itemHead + len(Log("r"))
	low, both := []byte{1}, []byte{1, 0x80}
	all := []spot{
		{"subject", func([]byte) int { return itemHead }, low},
		{"length of headers", func([]byte) int { return headers }, low},
		{"length of headers, high", func([]byte) int { return headers + 3 }, low},
		{"headers", func([]byte) int { return headers + 4 }, low},
		{"end of headers", func(item []byte) int {
			return headers + 4 + int(binary.LittleEndian.Uint32(item[headers:])) - 1
		}, low},
		{"payload", func(item []byte) int { return len(item) - itemSum - 1 }, low},
		{"checksum", func(item []byte) int { return len(item) - itemSum }, low},
		{"end of checksum", func(item []byte) int { return len(item) - 1 }, low},
	}
	for at := range itemHead {
		name := "length"
		switch {
		case at >= 20:
			name = "length of subject"
		case at >= 12:
			continue
		case at >= 4:
			name = "number"
		}
		all = append(all, spot{fmt.Sprintf("%s (%d)", name, at), func([]byte) int { return at }, both})
	}
	all = append(all, spot{"time", func([]byte) int { return 12 }, low})
	return all
}

// blocksOf gives the files of a log, in order, with the number of the first
// entry in each.
func blocksOf(t *testing.T, dir, run string) (paths []string, first []uint64) {
	t.Helper()
	for n := 1; ; n++ {
		path := filepath.Join(blocksDir(filepath.Join(streamsDir(dir), run)), blockName(n))
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return paths, first
		}
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
		first = append(first, binary.LittleEndian.Uint64(b[4:]))
	}
}

// damage flips bits in the n-th entry of a block, from 0.
func damage(t *testing.T, path string, n int, at func(item []byte) int, bits byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	item := b
	length := func() int { return int(binary.LittleEndian.Uint32(item) &^ hasHead) }
	for range n {
		item = item[length():]
	}
	item[at(item[:length()])] ^= bits
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// half is more than a half of what a block takes.
var half = strings.Repeat("\r\n\r\n", 1_100_000)

// large is the payload of an entry: every fourth begins a block.
func large(n uint64) []byte {
	text := fmt.Appendf(nil, "%d:\r\n\r\n", n)
	if n%4 == 1 {
		text = append(text, half...)
	}
	return text
}

// entries is how many the logs of these tests have.
const entries = 12

// threeBlocks are two stores with a log of a first, a middle and a last block:
// one that was closed, and one whose process was killed.
func threeBlocks(t *testing.T) (closed, killed string, first []uint64) {
	t.Helper()
	closed, killed = t.TempDir(), t.TempDir()
	b := start(t, Options{Dir: closed})
	s := create(t, b, "r")
	for n := range uint64(entries) {
		if err := s.Append(t.Context(), large(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(killed, os.DirFS(closed)); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if _, first = blocksOf(t, closed, "r"); len(first) < 3 {
		t.Fatalf("there are %d blocks, want a first, a middle and a last one", len(first))
	}
	return closed, killed, first
}

// A block that is gone is missed like one that does not hold, however often the
// store is started on what is left.
func TestMissingBlock(t *testing.T) {
	closed, killed, first := threeBlocks(t)
	for name, from := range map[string]string{"closed": closed, "killed": killed} {
		for block, bad := range first {
			if name == "killed" && block == len(first)-1 {
				continue // nothing says that there was more
			}
			t.Run(fmt.Sprintf("%s/block%d", name, block+1), func(t *testing.T) {
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
				paths, _ := blocksOf(t, dir, "r")
				if err := os.Remove(paths[block]); err != nil {
					t.Fatal(err)
				}
				mustMiss(t, dir, bad)
				mustMiss(t, dir, bad)
				mustMend(t, dir, bad)
			})
		}
	}
}

// Whatever byte of an entry the disk has changed, in whatever block, and however
// the store was left: whoever reads the log gets what is before it and is told,
// nobody can append, and the log can be truncated to what is sound.
func TestDamagedByte(t *testing.T) {
	closed, killed, first := threeBlocks(t)
	block := 0
	for i, at := range spots() {
		for _, bits := range at.bits {
			for j, from := range []string{closed, killed} {
				block, n := (block+i+j)%len(first), i%2
				if n == 1 && block == len(first)-1 && first[block] == entries {
					n = 0
				}
				t.Run(fmt.Sprintf("%s^%x/block%d/%s", at.name, bits, block+1, []string{"closed", "killed"}[j]), func(t *testing.T) {
					dir := t.TempDir()
					if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
						t.Fatal(err)
					}
					paths, _ := blocksOf(t, dir, "r")
					damage(t, paths[block], n, at.at, bits)
					mustMiss(t, dir, first[block]+uint64(n))
					if i%4 == 2 { // the store has cut off what it could not read
						mustMiss(t, dir, first[block]+uint64(n))
					}
					switch i % 4 { // it takes most of the time
					case 0:
						mustMend(t, dir, first[block]+uint64(n))
					case 1:
						if err := start(t, Options{Dir: dir}).DeleteStream("r"); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		block++
	}
}

// mustMiss checks all that can be done with a log in which one entry of those
// that there were does not hold.
func mustMiss(t *testing.T, dir string, bad uint64) {
	t.Helper()
	b := start(t, Options{Dir: dir})
	defer b.Close()
	s, err := b.OpenStream("r")
	if err != nil {
		t.Fatal(err)
	}
	if last, err := s.Last(t.Context()); last != entries || err != nil {
		t.Errorf("the last is %d, %v, want %d", last, err, entries)
	}
	told := func(what string, err error) {
		t.Helper()
		var damage *DamageError
		if !errors.As(err, &damage) || damage.Entry != bad {
			t.Errorf("%s: %v, want that entry %d is damaged", what, err, bad)
		}
	}
	_, err = s.Get(t.Context(), bad)
	told("getting it", err)
	if bad > 1 {
		if got, err := s.Get(t.Context(), bad-1); string(got) != string(large(bad-1)) || err != nil {
			t.Errorf("the entry before it is of %d bytes, %v", len(got), err)
		}
	}
	for _, from := range []uint64{1, max(bad, 2) - 1, bad} {
		next := from
		told("reading", s.Read(t.Context(), from, func(seq uint64, payload []byte) error {
			if seq != next || string(payload) != string(large(seq)) {
				t.Errorf("entry %d is %d and of %d bytes", next, seq, len(payload))
			}
			next++
			return nil
		}))
		if next != bad {
			t.Errorf("reading from entry %d gives those before entry %d, want %d", from, next, bad)
		}
	}
	told("appending", s.Append(t.Context(), large(entries+1)))
}

// mustMend truncates a damaged log and fills it again.
func mustMend(t *testing.T, dir string, bad uint64) {
	t.Helper()
	b := start(t, Options{Dir: dir})
	s, err := b.OpenStream("r")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Truncate(t.Context(), bad-1); err != nil {
		t.Fatal(err)
	}
	for n := bad; n <= entries; n++ {
		if err := s.Append(t.Context(), large(n)); err != nil {
			t.Fatal(err)
		}
	}
	b.Close()
	b = start(t, Options{Dir: dir})
	if s, err = b.OpenStream("r"); err != nil {
		t.Fatal(err)
	}
	next := uint64(1)
	err = s.Read(context.Background(), 1, func(seq uint64, payload []byte) error {
		if string(payload) != string(large(seq)) {
			t.Errorf("entry %d is of %d bytes", seq, len(payload))
		}
		next++
		return nil
	})
	if next != entries+1 || err != nil {
		t.Errorf("after it was truncated and filled again, %d entries are read, %v", next-1, err)
	}
}
