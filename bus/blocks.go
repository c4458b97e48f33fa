package bus

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"time"

	"github.com/minio/highwayhash"
)

// What is known here of the files of nats-server 2.10 to 2.15 (filestore.go:
// writeMsgRecordLocked, rebuildStateFromBufLocked). A block is a sequence of
//
//	4 bytes    length of all of this, little endian, the top bit for headers
//	8 bytes    number of the entry, its top two bits for what was deleted
//	8 bytes    time
//	2 bytes    length of the subject
//	           subject; 4 bytes and the headers; payload
//	8 bytes    HighwayHash of all but the three lengths
//
// so that the hash alone does not show where subject, headers and payload part.
const (
	itemHead = 22
	itemSum  = 8
	hasHead  = 1 << 31
	deleted  = 3 << 62
)

func digest(key []byte) hash.Hash {
	sum := sha256.Sum256(key)
	h, err := highwayhash.NewDigest64(sum[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	return h
}

func checksum(key []byte, parts ...[]byte) []byte {
	h := digest(key)
	for _, p := range parts {
		_, _ = h.Write(p) // never fails
	}
	return h.Sum(nil)
}

// A format reads the entries of one block.
type format struct {
	subject []byte // of each entry
	hash    hash.Hash
	sum     [itemSum]byte
}

func newFormat(run string, block int) *format {
	return &format{subject: []byte(Log(run)), hash: digest(fmt.Appendf(nil, "%s-%d", run, block))}
}

// An item is what a block holds in one place.
type item struct {
	size    int
	seq     uint64
	gone    bool   // it says that an entry was deleted, and is none
	payload []byte // inside the block
}

// first reads what a block begins with. It is not ok where the block is cut
// off or damaged there.
func (f *format) first(block []byte) (it item, ok bool) {
	if len(block) < itemHead {
		return it, false
	}
	length := binary.LittleEndian.Uint32(block)
	size, subject := int(length&^hasHead), int(binary.LittleEndian.Uint16(block[20:]))
	skip := subject
	if length&hasHead != 0 {
		skip += 4
	}
	if size > len(block) || size < itemHead+skip+itemSum {
		return it, false
	}
	data, sum := block[itemHead:size-itemSum], block[size-itemSum:size]
	f.hash.Reset()
	for _, part := range [][]byte{block[4:20], data[:subject], data[skip:]} {
		_, _ = f.hash.Write(part) // never fails
	}
	if !bytes.Equal(sum, f.hash.Sum(f.sum[:0])) {
		return it, false
	}
	seq := binary.LittleEndian.Uint64(block[4:])
	it = item{size: size, seq: seq &^ deleted, gone: seq&deleted != 0}
	if it.gone {
		return it, true
	}
	payload := data[skip:]
	if length&hasHead != 0 {
		if payload, ok = behind(payload, uint64(binary.LittleEndian.Uint32(data[subject:]))); !ok {
			return it, false
		}
	}
	it.payload = payload
	return it, bytes.Equal(data[:subject], f.subject)
}

var endOfHeaders = []byte("\r\n\r\n")

// behind gives what follows on headers, which must have that length: what ends
// them is nowhere in them.
func behind(data []byte, length uint64) (payload []byte, ok bool) {
	end := bytes.Index(data, endOfHeaders)
	if end < 0 || uint64(end+len(endOfHeaders)) != length {
		return nil, false
	}
	return data[length:], true
}

var (
	errSpoilt = errors.New("it is not what was written")
	errLost   = errors.New("the log had more entries than the store has now")
)

// walk calls fn with each entry that a block begins with, as long as they are
// whole and numbered from next on without gaps. It gives the number that should
// follow and the rest of the block, which is empty where all of it holds.
func (f *format) walk(block []byte, next uint64, fn func(seq uint64, payload []byte) error) (uint64, []byte, error) {
	for len(block) > 0 {
		it, ok := f.first(block)
		if !ok || it.gone || it.seq != next {
			break
		}
		if fn != nil {
			if err := fn(next, it.payload); err != nil {
				return next, block, err
			}
		}
		next++
		block = block[it.size:]
	}
	return next, block, nil
}

// A block is one file of a log, as it was when the bus was started.
type block struct {
	n           int       // of the file
	first, last uint64    // the entries that it had; last < first for none
	size        int64     // bytes
	written     time.Time // the last entry, where an index says it
	checked     bool
	bad         uint64 // the first entry that does not hold; 0 for none
}

func (b *block) has(seq uint64) bool { return b.first <= seq && seq <= b.last }

// check reads all of a block.
func (b *block) check(dir, run string) error {
	data, err := b.read(dir)
	if err != nil {
		return err
	}
	next, rest, _ := newFormat(run, b.n).walk(data, b.first, nil)
	if len(rest) > 0 || next != b.last+1 {
		b.bad = min(next, b.last)
	}
	b.checked = true
	return nil
}

// read gives a block as far as the bus has found it, nothing where the file is
// missing.
func (b *block) read(dir string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(dir, blockName(b.n)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return data[:min(int64(len(data)), b.size)], nil
}
