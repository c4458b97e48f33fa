package bus

import (
	"os"
	"path/filepath"
	"testing"
)

// Where appends are synced, so is the directory whenever a block is begun.
func TestKeeperSeesEveryBlock(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir, SyncAlways: true})
	s := create(t, b, "r")
	for range 5 {
		if err := s.Append(t.Context(), make([]byte, MaxPayload/2)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(blocksDir(filepath.Join(streamsDir(dir), "r")))
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, f := range files {
		blocks = max(blocks, blockNumber(f.Name()))
	}
	if blocks < 3 || s.writer.keeper.next != blocks+1 {
		t.Errorf("there are %d blocks, want some; the keeper waits for %d", blocks, s.writer.keeper.next)
	}
	k, err := keep(dir, "r")
	if err != nil || k.next != blocks+1 {
		t.Errorf("a keeper that comes later waits for %d, want %d (%v)", k.next, blocks+1, err)
	}
	if s := create(t, start(t, Options{}), "r"); s.Append(t.Context(), nil) != nil || s.writer.keeper != nil {
		t.Error("there is a keeper where nothing is to be synced")
	}
}

func TestBlockNumber(t *testing.T) {
	for name, want := range map[string]int{"1.blk": 1, "27.blk": 27, "index.db": 0, ".blk": 0, "1.blk.tmp": 0, "-1.blk": 0} {
		if got := blockNumber(name); got != want {
			t.Errorf("%s is block %d, want %d", name, got, want)
		}
	}
}
