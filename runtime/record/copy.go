package record

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Copy writes the records from a tick on to the newest, packed as the log holds
// them, for ReadCopy to read elsewhere: each a number, its length, and that many
// bytes. They are checked as Read checks them, and not unpacked further, so that
// it costs a supervisor little to give away its record.
func (l *Log) Copy(ctx context.Context, from int, w io.Writer) error {
	var head [binary.MaxVarintLen64]byte
	return l.scan(ctx, from, func(_ int, _ uint64, f frame) error {
		n := binary.PutUvarint(head[:], uint64(len(f.packed)))
		if _, err := w.Write(head[:n]); err != nil {
			return err
		}
		_, err := w.Write(f.packed)
		return err
	})
}

var errCopy = errors.New("the copy of the record is damaged")

// ReadCopy calls fn with each record of what Copy wrote, and the hash that the
// chain has after it, as Read does. That each follows on the one before it is
// checked again; where the first one comes from is not.
func ReadCopy(r io.Reader, fn func(r *Record, hash [HashSize]byte) error) error {
	in, d, c := bufio.NewReader(r), newDecoder(), chain{}
	for {
		size, err := binary.ReadUvarint(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && size > maxBody {
			err = fmt.Errorf("%w: a record of %d bytes", errCopy, size)
		}
		if err != nil {
			return err
		}
		if err := readOne(in, int64(size), d, &c, fn); err != nil {
			return err
		}
	}
}

func readOne(in io.Reader, size int64, d *decoder, c *chain, fn func(r *Record, hash [HashSize]byte) error) error {
	// The room grows with what comes, whatever the length says.
	packed, err := io.ReadAll(io.LimitReader(in, size))
	if err == nil && int64(len(packed)) < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	f, err := unframe(packed)
	if err == nil {
		err = c.follow(f)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errCopy, err)
	}
	r, err := d.record(f.hashed, f.annex)
	if err != nil {
		return fmt.Errorf("%w: %w", errCopy, err)
	}
	return fn(r, f.hash)
}
