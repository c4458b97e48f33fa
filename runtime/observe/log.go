package observe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// copyLog writes a log of two files, of which the older one may be missing or both,
// or its last lines, of so many bytes at most.
func copyLog(ctx context.Context, path string, tail int, w io.Writer) error {
	parts, size, err := openLog(path)
	if err != nil {
		return fmt.Errorf("cannot read the log: %w", err)
	}
	defer func() {
		for _, f := range parts {
			_ = f.Close()
		}
	}()
	readers := make([]io.Reader, len(parts))
	skip := int64(0)
	if tail >= 0 {
		skip = max(size-int64(tail), 0)
	}
	// The byte before is the end of a line, or the line has begun before.
	cut := skip > 0
	at := max(skip-1, 0)
	for i, f := range parts {
		n, err := f.Seek(0, io.SeekEnd)
		if err == nil {
			_, err = f.Seek(min(at, n), io.SeekStart)
		}
		if err != nil {
			return fmt.Errorf("cannot read the log: %w", err)
		}
		at = max(at-n, 0)
		readers[i] = f
	}
	all := bufio.NewReaderSize(io.LimitReader(io.MultiReader(readers...), size-max(skip-1, 0)), 32<<10)
	for cut && err == nil {
		var more []byte
		more, err = all.ReadSlice('\n')
		cut = len(more) == 0 || more[len(more)-1] != '\n'
		if errors.Is(err, bufio.ErrBufferFull) {
			err = nil
		}
	}
	if err == nil {
		_, err = io.Copy(w, all)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, ctx.Err())
}

// openLog opens the files of a log, the older one first, and tells their size
// together.
func openLog(path string) (parts []*os.File, size int64, err error) {
	var infos []os.FileInfo
	for _, p := range []string{path, path + ".1"} { // the newer becomes the older meanwhile, perhaps
		f, err := os.Open(p)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		var st os.FileInfo
		if err == nil {
			parts = append([]*os.File{f}, parts...)
			st, err = f.Stat()
		}
		if err != nil {
			for _, f := range parts {
				_ = f.Close()
			}
			return nil, 0, err
		}
		if len(infos) > 0 && os.SameFile(infos[0], st) {
			_ = f.Close()
			return parts[1:], size, nil
		}
		infos = append(infos, st)
		size += st.Size()
	}
	return parts, size, nil
}
