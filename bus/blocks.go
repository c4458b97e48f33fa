package bus

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/minio/highwayhash"
)

// What is known here of the files of nats-server 2.10 to 2.15 (filestore.go:
// writeMsgRecordLocked, rebuildStateFromBufLocked, recoverFullState). A block
// is a sequence of
//
//	4 bytes    length of all of this, little endian, the top bit for headers
//	8 bytes    number of the entry, its top two bits for what was deleted
//	8 bytes    time
//	2 bytes    length of the subject
//	           subject; 4 bytes and the headers; payload
//	8 bytes    HighwayHash of all but the two lengths
//
// and index.db says, in front of the checksum of the newest block's end and
// one of its own, how the log ends. It is written when the store is closed.
const (
	itemHead = 22
	itemSum  = 8
	hasHead  = 1 << 31
	deleted  = 3 << 62
)

func checksum(key []byte, parts ...[]byte) []byte {
	sum := sha256.Sum256(key)
	h, err := highwayhash.NewDigest64(sum[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	for _, p := range parts {
		_, _ = h.Write(p) // never fails
	}
	return h.Sum(nil)
}

// item reads the entry that a block begins with: its length and number. It is
// not ok where the block is cut off or damaged there.
func item(block, key []byte) (size int, seq uint64, ok bool) {
	if len(block) < itemHead {
		return 0, 0, false
	}
	length := binary.LittleEndian.Uint32(block)
	size, subject := int(length&^hasHead), int(binary.LittleEndian.Uint16(block[20:]))
	skip := subject
	if length&hasHead != 0 {
		skip += 4
	}
	if size > len(block) || size < itemHead+skip+itemSum {
		return 0, 0, false
	}
	data, sum := block[itemHead:size-itemSum], block[size-itemSum:size]
	if !bytes.Equal(sum, checksum(key, block[4:20], data[:subject], data[skip:])) {
		return 0, 0, false
	}
	return size, binary.LittleEndian.Uint64(block[4:]) &^ deleted, true
}

// A survey is what a log's files show before the store looks at them, which
// cuts a block off at the first entry that it cannot read, and says nothing.
type survey struct {
	last    uint64 // the newest entry that there was
	damaged bool   // entries are lost that were whole once
}

// surveyBlocks surveys a log. Only where the store was not closed are its
// blocks read; the store does the same then.
func surveyBlocks(stream, run string) (survey, error) {
	dir := blocksDir(stream)
	files, err := os.ReadDir(dir)
	if err != nil {
		return survey{}, err
	}
	var numbers []int
	for _, f := range files {
		if n := blockNumber(f.Name()); n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	last, closed := indexed(dir, run, numbers)
	s := survey{last: last}
	if closed {
		return s, nil
	}
	for i, n := range numbers {
		block, err := os.ReadFile(filepath.Join(dir, blockName(n)))
		if err != nil {
			return survey{}, err
		}
		s.block(block, run, n, i == len(numbers)-1)
	}
	return s, nil
}

// block surveys one of them. An entry that is cut off at the log's very end is
// what remains where a machine stopped while it was written: it never was
// acknowledged, or the disk had only a part of it, and nothing follows.
func (s *survey) block(block []byte, run string, n int, newest bool) {
	key := fmt.Appendf(nil, "%s-%d", run, n)
	for len(block) > 0 {
		size, seq, ok := item(block, key)
		if !ok {
			break
		}
		s.last = max(s.last, seq)
		block = block[size:]
	}
	if len(block) == 0 {
		return
	}
	lost := bytes.Count(block, []byte(Log(run))) // each entry has the subject in it
	torn := len(block) < itemHead || int(binary.LittleEndian.Uint32(block)&^hasHead) > len(block)
	if newest && torn && lost <= 1 {
		return
	}
	s.damaged = true
	s.last += uint64(max(lost, 1))
}

// indexed is the newest entry as index.db says, 0 where it says nothing, and
// whether the blocks end as they did when it was written.
func indexed(dir, run string, blocks []int) (last uint64, closed bool) {
	index, err := os.ReadFile(filepath.Join(dir, "index.db"))
	if err != nil || len(index) < 32 {
		return 0, false
	}
	index, sum := index[:len(index)-itemSum], index[len(index)-itemSum:]
	if !bytes.Equal(sum, checksum([]byte(run), index)) {
		return 0, false
	}
	at := index[2:] // behind the magic number and the version
	// How many entries and bytes, the first entry's number, its time, and then
	// the last one's number; the time is zigzag, and skipped all the same.
	for range 4 {
		_, n := binary.Uvarint(at)
		if n <= 0 {
			return 0, false
		}
		at = at[n:]
	}
	last, n := binary.Uvarint(at)
	if n <= 0 {
		return 0, false
	}
	return last, len(blocks) > 0 && bytes.HasSuffix(index, tail(filepath.Join(dir, blockName(blocks[len(blocks)-1]))))
}

// tail is the newest checksum in a block, empty for one that has none.
func tail(block string) []byte {
	f, err := os.Open(block)
	if err != nil {
		return []byte("unreadable") // which no index ends with
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil || st.Size() < itemSum {
		return []byte("too short")
	}
	sum := make([]byte, itemSum)
	if _, err := f.ReadAt(sum, st.Size()-itemSum); err != nil {
		return []byte("unreadable")
	}
	return sum
}
