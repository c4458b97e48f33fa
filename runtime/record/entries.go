package record

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A log leaves its store as a sequence of entries, each after its length as an
// unsigned LEB128.

// WriteEntry writes an entry of a log that is copied.
func WriteEntry(w io.Writer, entry []byte) error {
	_, err := w.Write(append(binary.AppendUvarint(make([]byte, 0, binary.MaxVarintLen64+len(entry)), uint64(len(entry))), entry...))
	return err
}

// maxEntry is the longest entry that is read: more than a stream takes.
const maxEntry = 64 << 20

// A Copy is a log's entries in a file, to be read while the store goes on. It
// is what Log wants of a stream, but for appending. Any number may read it.
type Copy struct {
	file io.ReaderAt
	ends []int64 // of each entry
	err  error   // why there are no more
}

// OpenCopy finds the entries in a file that was written by WriteEntry. Where
// copying ended with an error, that is what a reader comes to after the last
// whole entry; what follows that in the file counts as not there.
func OpenCopy(file io.ReaderAt, size int64, failed error) (*Copy, error) {
	c := &Copy{file: file, err: failed}
	r := bufio.NewReaderSize(io.NewSectionReader(file, 0, size), 1<<16)
	for at := int64(0); ; {
		length, err := binary.ReadUvarint(r)
		if errors.Is(err, io.EOF) && at == size {
			return c, nil
		}
		if err == nil && length > maxEntry {
			err = fmt.Errorf("an entry of %d bytes", length)
		}
		if err == nil {
			_, err = r.Discard(int(length))
		}
		if err != nil {
			if failed == nil {
				return nil, fmt.Errorf("cannot read entry %d of the copy of a log: %w", len(c.ends)+1, err)
			}
			return c, nil
		}
		at += int64(uvarintLen(length)) + int64(length)
		c.ends = append(c.ends, at)
	}
}

func uvarintLen(v uint64) int { return len(binary.AppendUvarint(nil, v)) }

// Append refuses.
func (c *Copy) Append(context.Context, []byte) error {
	return errors.New("the copy of a log takes no more")
}

// Last is the number of entries.
func (c *Copy) Last(context.Context) (uint64, error) { return uint64(len(c.ends)), nil }

// Get is one entry by its number. The caller owns it.
func (c *Copy) Get(_ context.Context, seq uint64) ([]byte, error) {
	if seq == 0 || seq > uint64(len(c.ends)) {
		return nil, fmt.Errorf("cannot read entry %d of the copy of a log: it has %d", seq, len(c.ends))
	}
	start := int64(0)
	if seq > 1 {
		start = c.ends[seq-2]
	}
	whole := make([]byte, c.ends[seq-1]-start)
	if _, err := c.file.ReadAt(whole, start); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read entry %d of the copy of a log: %w", seq, err)
	}
	_, head := binary.Uvarint(whole)
	if head <= 0 {
		return nil, fmt.Errorf("cannot read entry %d of the copy of a log: it was overwritten", seq)
	}
	return whole[head:], nil
}

// Read gives the entries from a number on to the last, and then why copying
// ended.
func (c *Copy) Read(ctx context.Context, from uint64, fn func(seq uint64, entry []byte) error) error {
	for seq := max(from, 1); seq <= uint64(len(c.ends)); seq++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		entry, err := c.Get(ctx, seq)
		if err == nil {
			err = fn(seq, entry)
		}
		if err != nil {
			return err
		}
	}
	return c.err
}

// Reading is a log to be read from its beginning, however damaged it is;
// Open would refuse it.
func Reading(s stream, genesis [HashSize]byte) *Log {
	l := Create(s, genesis)
	l.fresh, l.broken = false, errors.New("it is open for reading alone")
	return l
}

// Check verifies the whole chain of a log, however damaged that is, and gives
// the log to read with how far it is sound: its ticks, the last hash, and the
// end where the run has one. Whatever is wrong is a *BrokenError.
func Check(ctx context.Context, s stream, genesis [HashSize]byte) (l *Log, sum Summary, err error) {
	l = Reading(s, genesis)
	sum, err = Summarize(ctx, l)
	var broken *BrokenError
	switch {
	case err == nil:
		l.tick, l.hash, l.end = sum.Ticks-1, sum.Hash, sum.End
	case ctx.Err() != nil || errors.As(err, &broken):
	default:
		err = &BrokenError{sum.Ticks - 1, err}
	}
	return l, sum, err
}
