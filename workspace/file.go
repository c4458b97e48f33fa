package workspace

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// unfinished begins the names of files that WriteFile has not finished.
const unfinished = ".unfinished-"

// Unfinished says whether a file's name is that of one which WriteFile did not
// finish: it was killed.
func Unfinished(name string) bool { return strings.HasPrefix(name, unfinished) }

// WriteFile makes a file of what write writes, for this process's user alone, or
// takes the place of the one that is there. It is there whole or not at all: until
// then another one is beside it, which Unfinished knows, and which the next call
// for the path replaces where one was killed. Sync says that the file is on disk,
// with its name, when the call returns. There is one call for a path at a time.
func WriteFile(path string, sync bool, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	fresh := filepath.Join(dir, unfinished+filepath.Base(path))
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // it takes room, which may be what lacks
			_ = os.Remove(fresh)
		}
	}()
	err = write(tmp)
	if err == nil && sync {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err = os.Rename(fresh, path); err == nil && sync {
		err = SyncDir(dir)
	}
	return err
}

// SyncDir has the names in a directory on disk when it returns.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
