package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Captures keeps what the files of one process were at some ticks: of work and
// home the directories, regular files and symbolic links, with permissions and
// the times of modification. Sockets, pipes and devices are left out, as are
// owners (files belong to whoever owns work, and home, when they come back),
// extended attributes, and a hard link to a file of somebody else. Hard links
// are kept as files of their own.
//
// A capture is a manifest, <tick>.jsonl, that names blobs, which hold each
// content once. Whole is what has been renamed to its name, blobs before the
// manifest that names them: killed at any moment, the process leaves whole
// captures alone.
//
// Not for concurrent use.
type Captures struct {
	process string
	dir     string
	sync    bool

	all   []capture // by tick
	swept bool      // no blob is there that no capture names

	tree *tree // what was last taken or restored, if known
	at   int   // the capture that is the same as tree
}

// A capture is one that is there.
type capture struct {
	tick  int
	blobs []string // that it names; nil before they were asked for
	known bool
}

const (
	manifestSuffix = ".jsonl"
	blobsName      = "blobs"
	newBlob        = "blob.tmp"
	newManifest    = "manifest.tmp"
)

// Captures opens the captures of a process, which may be none, and drops what
// an interrupted Take has left. With sync, a capture is on disk when Take
// returns; without, a power cut may take or damage those of the last seconds.
func (r Run) Captures(process string, sync bool) (*Captures, error) {
	c := &Captures{
		process: process, sync: sync, at: -1,
		dir: filepath.Join(r.Dir, "checkpoints", "files", process),
	}
	names, err := readNames(c.dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the captures of %s: %w", process, err)
	}
	c.swept = len(names) == 0
	for _, name := range names {
		if name == newBlob || name == newManifest {
			if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
				return nil, fmt.Errorf("cannot clear the captures of %s: %w", process, err)
			}
		}
		number, is := strings.CutSuffix(name, manifestSuffix)
		tick, err := strconv.Atoi(number)
		if is && err == nil && c.manifest(tick) == filepath.Join(c.dir, name) {
			c.all = append(c.all, capture{tick: tick})
		}
	}
	slices.SortFunc(c.all, func(a, b capture) int { return a.tick - b.tick })
	return c, nil
}

// SweepCaptures removes what a kill has left of captures that were being taken, of
// processes that nobody opens the captures of any more.
func (r Run) SweepCaptures() error {
	files := filepath.Join(r.Dir, "checkpoints", "files")
	processes, err := readNames(files)
	for _, process := range processes {
		for _, name := range []string{newBlob, newManifest} {
			if e := os.Remove(filepath.Join(files, process, name)); !errors.Is(e, fs.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("cannot clear the captures of files: %w", err)
	}
	return nil
}

// readNames lists a directory; one that is not there has nothing in it.
func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

func (c *Captures) manifest(tick int) string {
	return filepath.Join(c.dir, strconv.Itoa(tick)+manifestSuffix)
}

func (c *Captures) blob(name string) string { return filepath.Join(c.dir, blobsName, name) }

// Newest is the tick of the newest capture; -1 where there is none.
func (c *Captures) Newest() int { return c.before(int(^uint(0) >> 1)) }

// before is the tick of the newest capture at or before a tick.
func (c *Captures) before(tick int) int {
	for _, have := range slices.Backward(c.all) {
		if have.tick <= tick {
			return have.tick
		}
	}
	return -1
}

// load gives the tree of a capture; nil for -1.
func (c *Captures) load(tick int) (*tree, error) {
	if tick == c.at && c.tree != nil {
		return c.tree, nil
	}
	if tick < 0 {
		return nil, nil
	}
	return readManifest(c.manifest(tick), tick)
}

// Drop forgets the captures of ticks later than after.
func (c *Captures) Drop(after int) error {
	return c.discard(func(tick int) bool { return tick <= after })
}

// Keep deletes every capture that is not the newest at or before one of the
// ticks, and what no capture names any more.
func (c *Captures) Keep(ticks []int) error {
	wanted := make([]int, 0, len(ticks))
	for _, tick := range ticks {
		wanted = append(wanted, c.before(tick))
	}
	return c.discard(func(tick int) bool { return slices.Contains(wanted, tick) })
}

// discard deletes the captures that are not to stay, the newest first: killed
// meanwhile, it leaves a beginning.
func (c *Captures) discard(stays func(tick int) bool) error {
	var dropped []capture
	for i := len(c.all) - 1; i >= 0; i-- {
		if stays(c.all[i].tick) {
			continue
		}
		if err := c.know(i); err != nil {
			return c.cannot("drop", c.all[i].tick, err)
		}
		if err := os.Remove(c.manifest(c.all[i].tick)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return c.cannot("drop", c.all[i].tick, err)
		}
		dropped = append(dropped, c.all[i])
		c.all = slices.Delete(c.all, i, i+1)
	}
	if len(dropped) == 0 && c.swept {
		return nil
	}
	if err := c.sweep(dropped); err != nil {
		return fmt.Errorf("cannot clear the captures of %s: %w", c.process, err)
	}
	return nil
}

// know finds what a capture names. A damaged one names nothing that is worth
// keeping, and all that it may have named is looked for.
func (c *Captures) know(i int) error {
	if c.all[i].known {
		return nil
	}
	t, err := c.load(c.all[i].tick)
	var damaged *DamagedError
	switch {
	case errors.As(err, &damaged):
		c.swept = false
	case err != nil:
		return err
	default:
		c.all[i].blobs = t.blobs()
	}
	c.all[i].known = true
	return nil
}

// sweep deletes the blobs that no capture names, of those that the dropped ones
// named or, where others may be there, of all.
func (c *Captures) sweep(dropped []capture) error {
	named := make(map[string]bool)
	for i := range c.all {
		if err := c.know(i); err != nil {
			return err
		}
		for _, name := range c.all[i].blobs {
			named[name] = true
		}
	}
	var names []string
	for _, d := range dropped {
		names = append(names, d.blobs...)
	}
	if !c.swept {
		var err error
		if names, err = readNames(filepath.Join(c.dir, blobsName)); err != nil {
			return err
		}
	}
	// Manifests go first, on disk too.
	if err := c.settle(c.dir, len(dropped) > 0); err != nil {
		return err
	}
	for _, name := range names {
		if !named[name] {
			if err := os.Remove(c.blob(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	c.swept = true
	return nil
}

// settle brings the names in a directory to disk, where that is wanted.
func (c *Captures) settle(dir string, changed bool) error {
	if !c.sync || !changed {
		return nil
	}
	return SyncDir(dir)
}

func (c *Captures) cannot(what string, tick int, err error) error {
	return fmt.Errorf("cannot %s the files of %s as of tick %d: %w", what, c.process, tick, err)
}
