package scenarios

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed starter
var starter embed.FS

// Starter writes a small scenario with an agent in Python into a directory,
// which it makes where it is missing, and names the files. A file that exists
// is never written over: then nothing is written at all.
func Starter(dir string) (files []string, err error) {
	entries, err := fs.ReadDir(starter, "starter")
	if err != nil {
		return nil, fmt.Errorf("cannot read the starter: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot write %s: it exists already", path)
		}
		files = append(files, path)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the user's own files
		return nil, fmt.Errorf("cannot make the directory: %w", err)
	}
	for i, e := range entries {
		text, err := fs.ReadFile(starter, "starter/"+e.Name())
		if err == nil {
			err = os.WriteFile(files[i], text, 0o644) //nolint:gosec // the user's own files
		}
		if err != nil {
			return nil, fmt.Errorf("cannot write the starter: %w", err)
		}
	}
	return files, nil
}
