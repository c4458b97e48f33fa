package socket

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/troupe-dev/troupe/runtime/tree"
)

// merge brings what others have changed at some paths into what the copy has
// changed there.
func (w *Copy) merge(paths []string) error {
	changes, err := w.changes(paths)
	if err != nil {
		return err
	}
	var names []string
	for i := range changes {
		names = append(names, changes[i].Path)
	}
	if len(names) == 0 {
		return nil
	}
	now, err := w.stat(names)
	if err != nil {
		return err
	}
	var conflicts []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		n, known := w.notes.Files[name]
		if !known {
			n.Version = tree.None
		}
		f := now[name]
		if version := f.Version; f.Gone && n.Version == tree.None || version == n.Version && !f.Gone {
			continue
		}
		conflict, err := w.mergeFile(name, n, f)
		if err != nil {
			return err
		}
		if conflict {
			conflicts = append(conflicts, name)
		}
	}
	if len(conflicts) > 0 {
		return fmt.Errorf("%w in %s: both are in it now, between <<<<<<< and >>>>>>>; make of them what it should be and commit it", ErrConflict, strings.Join(conflicts, ", "))
	}
	return nil
}

// mergeFile makes of a file what both sides have made of it.
func (w *Copy) mergeFile(name string, n noted, f *File) (conflict bool, err error) {
	mine, err := w.read(name)
	switch {
	case err != nil:
		return false, err
	case mine == nil || f.Gone:
		return false, fmt.Errorf("cannot merge %s, which one side has deleted: %s", name, f.Who())
	}
	var theirs []byte
	_, err = w.client.Ask(&Request{Op: "checkout", Agent: w.Agent, Paths: []string{name}}, func(r *Reply) error {
		if r.File != nil {
			f, theirs = r.File, r.File.Bytes()
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	var base []byte
	if n.Version != tree.None {
		if base, err = w.root.ReadFile(basesDir + "/" + n.Hash); err != nil {
			return false, fmt.Errorf("cannot merge %s: what it was made of is lost: %w", name, err)
		}
	}
	merged := mine.content
	switch {
	case mine.hash == f.Hash || n.Hash == f.Hash && n.Version != tree.None: // both did the same, or they did nothing
	case mine.hash == n.Hash && n.Version != tree.None:
		merged = theirs
	default:
		if merged, conflict, err = mergeText(name, mine.content, base, theirs); err != nil {
			return false, err
		}
	}
	if err := w.base(f, theirs); err != nil {
		return false, err
	}
	return conflict, w.write(name, merged, mine.exec)
}

// mergeText is git's three-way merge.
func mergeText(name string, mine, base, theirs []byte) (merged []byte, conflict bool, err error) {
	for _, text := range [][]byte{mine, base, theirs} {
		if !utf8.Valid(text) {
			return nil, false, fmt.Errorf("cannot merge %s, which is no text", name)
		}
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, false, fmt.Errorf("cannot merge %s: git, which does that, is not installed", name)
	}
	dir, err := os.MkdirTemp("", "troupe-merge-*")
	if err != nil {
		return nil, false, fmt.Errorf("cannot merge %s: %w", name, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{"merge-file", "-p", "-q", "-L", "mine", "-L", "base", "-L", "theirs"}
	for i, text := range [][]byte{mine, base, theirs} {
		file := filepath.Join(dir, []string{"mine", "base", "theirs"}[i])
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return nil, false, fmt.Errorf("cannot merge %s: %w", name, err)
		}
		args = append(args, file)
	}
	merged, err = exec.Command(git, args...).Output() //nolint:gosec // files of our own
	var failed *exec.ExitError
	switch {
	case err == nil:
		return merged, false, nil
	case errors.As(err, &failed) && failed.ExitCode() > 0 && failed.ExitCode() < 128:
		return merged, true, nil // so many conflicts
	}
	if failed != nil && len(failed.Stderr) > 0 {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(failed.Stderr)))
	}
	return nil, false, fmt.Errorf("cannot merge %s: %w", name, err)
}
