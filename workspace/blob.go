package workspace

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"sync"
)

// blockSize is the unit in which zeros are looked for.
const blockSize = 64 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// block lends a buffer.
func block() (buffer []byte, free func()) {
	b := blocks.Get().(*[blockSize]byte)
	return b[:], func() { blocks.Put(b) }
}

// sparse ends the name of a blob with blocks of zeros.
const sparse = ".sparse"

// errShrunk says that a file became shorter while it was read.
var errShrunk = errors.New("it became shorter while it was read")

// digest names a file's content: the SHA-256 of its bytes. Where whole blocks
// are zeros, which may be a terabyte that is stored nowhere, they are left out
// and hashed as their places, and the name says so. It does not depend on
// where the file system has holes.
func digest(f *os.File) (name string, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	s := &summer{hash: sha256.New(), size: info.Size()}
	buffer, free := block()
	defer free()
	for at := int64(0); at < s.size; {
		start, end, err := s.next(f, at)
		if err != nil {
			return "", 0, err
		}
		if start > at {
			s.zero(at, start)
		}
		for at = start; at < end; {
			n, err := f.ReadAt(buffer[:min(blockSize, s.size-at)], at)
			if err != nil && !errors.Is(err, io.EOF) {
				return "", 0, err
			}
			if n == 0 || n < blockSize && at+int64(n) < s.size {
				return "", 0, errShrunk
			}
			if n == blockSize && buffer[0] == 0 && bytes.Equal(buffer[1:], buffer[:n-1]) {
				s.zero(at, at+int64(n))
			} else {
				s.hash.Write(buffer[:n])
			}
			at += int64(n)
		}
	}
	return s.name(), s.size, nil
}

// A summer makes a digest.
type summer struct {
	hash  hash.Hash
	size  int64
	zeros []byte // where runs of blocks of zeros begin and end, 8 bytes each
	until int64  // the end of the last one
}

// next finds the blocks to read, from at, where a block begins, on. Those
// before start are zeros.
func (s *summer) next(f *os.File, at int64) (start, end int64, err error) {
	if s.size <= blockSize {
		return at, s.size, nil
	}
	start, end, err = extent(int(f.Fd()), at, s.size)
	if start == s.size { // but the last one, if it is no whole block
		end = s.size
	}
	return start / blockSize * blockSize, end, err
}

func (s *summer) zero(from, to int64) {
	if len(s.zeros) > 0 && s.until == from {
		s.zeros = s.zeros[:len(s.zeros)-8]
	} else {
		s.zeros = binary.BigEndian.AppendUint64(s.zeros, uint64(from))
	}
	s.zeros = binary.BigEndian.AppendUint64(s.zeros, uint64(to))
	s.until = to
}

func (s *summer) name() string {
	if len(s.zeros) == 0 {
		return hex.EncodeToString(s.hash.Sum(nil))
	}
	n := uint64(len(s.zeros))
	s.hash.Write(s.zeros)
	s.hash.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, n), uint64(s.size)))
	return hex.EncodeToString(s.hash.Sum(nil)) + sparse
}

// isBlob says whether a name is one that digest gives.
func isBlob(name string) bool {
	if len(name) == 2*sha256.Size+len(sparse) && name[2*sha256.Size:] == sparse {
		name = name[:2*sha256.Size]
	}
	_, err := hex.DecodeString(name)
	return err == nil && len(name) == 2*sha256.Size
}

// copyFile makes to, which is empty, hold what from holds, holes as holes. The
// system copies where it can, sharing blocks where the file system can.
func copyFile(to, from *os.File) error {
	info, err := from.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	for at := int64(0); at < size; {
		start, end := at, size
		if size > blockSize {
			if start, end, err = extent(int(from.Fd()), at, size); err != nil {
				return err
			}
		}
		if start < end {
			if err := copyRange(to, from, start, end-start); err != nil {
				return err
			}
		}
		at = max(end, at+1)
	}
	return to.Truncate(size)
}

func copyRange(to, from *os.File, at, n int64) error {
	if _, err := from.Seek(at, io.SeekStart); err != nil {
		return err
	}
	if _, err := to.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(to, from, n)
	if errors.Is(err, io.EOF) {
		return nil // it became shorter meanwhile: whoever copies looks at it again
	}
	return err
}
