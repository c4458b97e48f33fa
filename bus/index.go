package bus

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"time"
)

const indexName = "index.db"

// An index is the store's own word on how a log ends and what its blocks hold.
// It writes one when the log is closed, and now and then before; index.db is
// (nats-server, filestore.go: recoverFullState)
//
//	2 bytes  magic number and version
//	         numbers of entries, bytes, the first entry, its time, the last
//	         entry, its time
//	         how many subjects, and for each its length, the subject, and
//	         numbers of entries, the first block with it, the last block
//	         how many blocks, and for each numbers of the file, bytes, the first
//	         entry, its time, the last entry, its time, deleted entries, entries
//	         with a time to live, scheduled entries; then a list of the deleted
//	         number of the newest block's file
//	8 bytes  the newest block's last checksum
//	8 bytes  HighwayHash of all that
//
// where all numbers are varints, and times signed ones, in nanoseconds, those of
// blocks from the first entry's on.
type index struct {
	last   uint64 // the newest entry
	blocks []block
	tail   []byte // the newest block's last checksum
	plain  bool   // the log is as this package writes it: it has every entry from 1 on
}

// readIndex gives a log's index, an empty one where there is none that is whole.
func readIndex(dir, run string) (x index) {
	text, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil || len(text) < 32 {
		return x
	}
	text, sum := text[:len(text)-itemSum], text[len(text)-itemSum:]
	if !bytes.Equal(sum, checksum([]byte(run), text)) {
		return x
	}
	r := &varints{left: text[2:]}
	entries := r.next()
	_, first, base := r.next(), r.next(), r.time()
	x.last = r.next()
	r.next()
	if r.short {
		return x
	}
	for range r.next() {
		r.skip(r.next())
		_, _, _ = r.next(), r.next(), r.next()
		if r.short {
			return x
		}
	}
	next := uint64(1)
	x.plain = entries == x.last && (first == 1 || entries == 0)
	for range r.next() {
		b := block{n: int(r.next()), size: int64(r.next()), first: r.next()}
		r.next()
		b.last = r.next()
		b.written = time.Unix(0, base+r.time())
		missing, _, _ := r.next(), r.next(), r.next()
		if r.short || missing > 0 || b.first != next || b.last+1 < next {
			x.plain = false
			return x
		}
		x.blocks = append(x.blocks, b)
		next = b.last + 1
	}
	newest := int(r.next())
	x.tail = r.left
	x.plain = x.plain && !r.short && len(x.tail) == itemSum && next == x.last+1 &&
		len(x.blocks) > 0 && x.blocks[len(x.blocks)-1].n == newest
	return x
}

// varints reads numbers. Once it is short, they are 0.
type varints struct {
	left  []byte
	short bool
}

func (r *varints) next() uint64 {
	v, n := binary.Uvarint(r.left)
	if n <= 0 {
		r.left, r.short = nil, true
		return 0
	}
	r.left = r.left[n:]
	return v
}

// time is nanoseconds.
func (r *varints) time() int64 {
	v := r.next()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *varints) skip(n uint64) {
	if n > uint64(len(r.left)) {
		r.left, r.short = nil, true
		return
	}
	r.left = r.left[n:]
}

// matches says whether a log's files are, by their names, lengths and the last
// bytes of the newest, those that the index was written for.
func (x *index) matches(dir string, numbers []int) bool {
	if !x.plain || len(numbers) != len(x.blocks) {
		return false
	}
	for i := range x.blocks {
		b := &x.blocks[i]
		info, err := os.Stat(filepath.Join(dir, blockName(b.n)))
		if b.n != numbers[i] || err != nil || info.Size() != b.size {
			return false
		}
	}
	return bytes.Equal(x.tail, tail(filepath.Join(dir, blockName(numbers[len(numbers)-1]))))
}

// tail is the newest checksum in a block, nil for one that has none.
func tail(block string) []byte {
	f, err := os.Open(block)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil || st.Size() < itemSum {
		return nil
	}
	sum := make([]byte, itemSum)
	if _, err := f.ReadAt(sum, st.Size()-itemSum); err != nil {
		return nil
	}
	return sum
}
