package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A Copy is a file to bring into a run; in a template it may be a directory, or a
// symbolic link.
type Copy struct {
	Source string // absolute; of a file
	Path   string // slash-separated, below the program's directory
	SHA256 string // hex; what the source held when the plan was made
	Exec   bool
	Dir    bool   // it is a directory
	Link   string // it is a link to that; empty for none
	// Installed is where Install has brought it already, below the programs'
	// directory; empty for nowhere.
	Installed string
}

// Install copies files into the program directory of that name, synced to
// disk, and fails where a source no longer holds what the plan saw.
func (r Run) Install(name string, files []Copy) error {
	for _, f := range files {
		if err := f.install(r.Program(name), r.Dir); err != nil {
			return fmt.Errorf("cannot copy %s into the run: %w", f.Source, err)
		}
	}
	return nil
}

// KeepScenario copies the files of a scenario, with those that Install has
// brought in already as further names of the same file where the disk can do so.
func (r Run) KeepScenario(files []Copy) error {
	if err := os.MkdirAll(r.Scenario(), newMode); err != nil { // it holds what is for some agents alone
		return fmt.Errorf("cannot make a directory for the scenario: %w", err)
	}
	for _, f := range files {
		if f.Installed != "" && !f.Dir && f.Link == "" {
			target := filepath.Join(r.Scenario(), filepath.FromSlash(f.Path))
			err := os.MkdirAll(filepath.Dir(target), 0o755) //nolint:gosec // as install
			if err == nil && os.Link(r.Program(filepath.FromSlash(f.Installed)), target) == nil {
				continue
			}
		}
		if err := f.install(r.Scenario(), r.Scenario()); err != nil {
			return fmt.Errorf("cannot copy %s into the run: %w", f.Source, err)
		}
	}
	return nil
}

// install copies the file to below dir, whose directories from top on are opened
// to all.
func (f Copy) install(dir, top string) error {
	target := filepath.Join(dir, filepath.FromSlash(f.Path))
	if err := openDirectories(top, filepath.Dir(target)); err != nil {
		return err
	}
	switch {
	case f.Dir:
		return os.MkdirAll(target, 0o755) //nolint:gosec // the same
	case f.Link != "":
		return os.Symlink(filepath.FromSlash(f.Link), target)
	}
	in, err := os.Open(f.Source)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	mode := os.FileMode(0o444)
	if f.Exec {
		mode = 0o555
	}
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	sum := sha256.New()
	err = out.Chmod(mode) // whatever the umask
	if err == nil {
		_, err = io.Copy(io.MultiWriter(out, sum), in)
	}
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		err = errors.New("it changed since the plan was made")
	}
	return err
}

// openDirectories makes a directory below top, and has all on the way from top
// on be readable for agents' users, whatever the umask is.
func openDirectories(top, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // agents of other uids read it
		return err
	}
	for ; within(top, dir) && dir != top; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the same
			return err
		}
	}
	return nil
}
