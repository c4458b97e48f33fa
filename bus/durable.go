package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The server syncs what it writes into files, and with SyncAlways before it
// acknowledges it; but it does not sync the directories in which it makes the
// files of a log (filestore.go: newMsgBlockForWrite, MkdirAll), so that after
// a power cut a file may be missing whose contents were on disk. A keeper does
// that where it is asked for.
type keeper struct {
	blocks string // the directory of a log's blocks
	next   int    // the number of the block that is not there yet
}

// streamsDir is where the store has a directory for each log.
func streamsDir(dir string) string { return filepath.Join(dir, "jetstream", "$G", "streams") }

func blocksDir(stream string) string { return filepath.Join(stream, "msgs") }

// blockName is a block's file; they count from 1.
func blockName(n int) string { return strconv.Itoa(n) + ".blk" }

// blockNumber is the number of a block's file, 0 for another file.
func blockNumber(name string) int {
	digits, ok := strings.CutSuffix(name, ".blk")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 {
		return 0
	}
	return n
}

// keep makes a keeper and syncs all directories down to the log's blocks.
func keep(dir, run string) (*keeper, error) {
	k := &keeper{blocks: blocksDir(filepath.Join(streamsDir(dir), run)), next: 1}
	names, err := os.ReadDir(k.blocks)
	if err != nil {
		return nil, fmt.Errorf("cannot sync the log of %s: %w", run, err)
	}
	for _, e := range names {
		k.next = max(k.next, blockNumber(e.Name())+1)
	}
	// Up to where the data directory stands, which may be new as well; what is
	// above is not ours.
	top := filepath.Dir(filepath.Dir(dir))
	for at := k.blocks; ; at = filepath.Dir(at) {
		if err := syncDir(at); err != nil && (at != top || !errors.Is(err, fs.ErrPermission)) {
			return nil, fmt.Errorf("cannot sync the log of %s: %w", run, err)
		}
		if at == top {
			return k, nil
		}
	}
}

// stored is called after each entry that was acknowledged. A look for the next
// block's name costs a microsecond, to sync a directory hundreds.
func (k *keeper) stored() error {
	if _, err := os.Lstat(filepath.Join(k.blocks, blockName(k.next))); err != nil {
		return nil // not there: the entry is in a block that was
	}
	k.next++
	return syncDir(k.blocks)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
