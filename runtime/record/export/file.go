package export

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// File makes a file of what write writes. It is there once it is whole: until
// then it has another name beside, and after an error there is no new one. What
// is no regular file, a pipe for instance, is written to as it is.
func File(path string, write func(w io.Writer) error) error {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	partial := path
	if info, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || err == nil && info.Mode().IsRegular() {
		partial = filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	}
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return fmt.Errorf("cannot write the export: %w", err)
	}
	err = write(f)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("cannot write the export: %w", cerr)
	}
	if partial == path {
		return err
	}
	if err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	if err := os.Rename(partial, path); err != nil {
		return errors.Join(fmt.Errorf("cannot write the export: %w", err), os.Remove(partial))
	}
	return nil
}
