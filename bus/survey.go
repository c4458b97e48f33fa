package bus

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// The server trusts the files of a log more than it may. Where its index
// matches, it takes the blocks for what the index says, and when it reads one in
// which the disk has changed an entry's number, it lists in memory all the
// numbers in between. Where the index does not match it reads all blocks when
// it starts, cuts each off at the first entry that it cannot read, and says
// nothing.
//
// A survey is what a log's files show before the server is started, and what is
// read of them later. No block is left to the server before it was checked:
//
//   - without an index that matches, all are before it starts; the index is
//     removed, so that it reads them all too
//   - with one, those are that the server reads when it starts: the newest, and
//     what is young enough for its search of duplicates (stream.go in there:
//     rebuildDedupe). If one does not hold, that is no match
//   - the others are when their entries are first asked for (Stream.Read, Get);
//     and nothing is asked of the server that is in a block which does not hold
//
// It reads none for telling a log's last entry, for appending (the newest apart)
// for deleting the log, or for closing it.
//
// What this process writes is not checked: a disk that loses it at once is
// noticed at the next start. Methods may be called by any number of goroutines;
// they may read a block, which are of 8 MB.
type survey struct {
	run string
	dir string // of the blocks

	mu      sync.Mutex
	blocks  []block
	last    uint64 // the newest entry that there was, at least
	damaged bool   // entries are lost that were whole once
}

// surveyLog surveys a log whose store is not running.
func surveyLog(stream, run string) (*survey, error) {
	s := &survey{run: run, dir: blocksDir(stream)}
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, f := range files {
		if n := blockNumber(f.Name()); n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	x := readIndex(s.dir, run)
	s.last = x.last
	if x.matches(s.dir, numbers) {
		s.blocks = x.blocks
		if sound, err := s.checkYoung(dedupeOf(stream)); err != nil || sound {
			return s, err
		}
		s.blocks = nil
	}
	for i, n := range numbers {
		data, err := os.ReadFile(filepath.Join(s.dir, blockName(n)))
		if err != nil {
			return nil, err
		}
		s.add(data, n, i == len(numbers)-1)
	}
	if n := len(s.blocks); n == 0 || s.blocks[n-1].last < s.last {
		s.damaged = s.damaged || s.last > 0 // the index knows of more
	}
	return s, nil
}

// dedupeOf is for how long the server looks for a log's duplicates.
func dedupeOf(stream string) time.Duration {
	var description struct {
		Window time.Duration `json:"duplicate_window"`
	}
	text, err := os.ReadFile(filepath.Join(stream, "meta.inf"))
	if err != nil || json.Unmarshal(text, &description) != nil || description.Window <= 0 {
		return 2 * time.Minute // the server's own choice
	}
	return description.Window
}

// checkYoung checks what the server reads when it starts.
func (s *survey) checkYoung(window time.Duration) (sound bool, err error) {
	since := time.Now().Add(-window)
	young := slices.IndexFunc(s.blocks, func(b block) bool { return !b.written.Before(since) })
	if young < 0 {
		young = len(s.blocks) - 1
	}
	for i := range s.blocks[young:] {
		b := &s.blocks[young+i]
		if err := s.check(b); err != nil || b.bad > 0 {
			return false, err
		}
	}
	return true, nil
}

// dropIndex has the server read all blocks, where the survey has done that.
func (s *survey) dropIndex() error {
	for _, b := range s.blocks {
		if !b.checked {
			return nil
		}
	}
	if err := os.Remove(filepath.Join(s.dir, indexName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// add surveys the next of all blocks. An entry that is cut off at the log's
// very end is what remains where a machine stopped while it was written: it
// never was acknowledged, or the disk had only a part of it, and nothing
// follows.
func (s *survey) add(data []byte, n int, newest bool) {
	f := newFormat(s.run, n)
	b := block{n: n, first: 1, size: int64(len(data)), checked: true}
	it, ok := f.first(data)
	ok = ok && !it.gone
	if i := len(s.blocks) - 1; i >= 0 {
		before := &s.blocks[i]
		if ok && before.bad > 0 && it.seq > before.bad {
			before.last = it.seq - 1 // how many it had was guessed
		}
		b.first = before.last + 1
	}
	if ok && it.seq > b.first {
		s.lose(b.first, it.seq-1)
		b.first = it.seq
	}
	next, rest, _ := f.walk(data, b.first, nil)
	b.last = next - 1
	s.last = max(s.last, b.last)
	lost := bytes.Count(rest, f.subject) // each entry has the subject in it
	torn := len(rest) < itemHead || int(binary.LittleEndian.Uint32(rest)&^hasHead) > len(rest)
	if len(rest) > 0 && (!newest || !torn || lost > 1) {
		s.damaged = true
		b.bad = next
		if it, ok := f.first(rest); ok && it.gone { // the server's own note of what it missed
			b.last = max(b.last, it.seq)
		} else {
			b.last += uint64(max(lost, 1))
		}
		s.last = max(s.last, b.last)
	}
	s.blocks = append(s.blocks, b)
}

// lose notes that entries are gone with their block, or were cut off it by a
// store that ran before: as a block of their own, of which nothing is left.
func (s *survey) lose(first, last uint64) {
	s.damaged = true
	s.blocks = append(s.blocks, block{first: first, last: last, bad: first, checked: true})
}

// find gives the block of an entry, nil where that came later. The lock is held.
func (s *survey) find(seq uint64) *block {
	i, ok := slices.BinarySearchFunc(s.blocks, seq, func(b block, seq uint64) int {
		switch {
		case b.has(seq):
			return 0
		case b.last < seq:
			return -1
		}
		return 1
	})
	if !ok {
		return nil
	}
	return &s.blocks[i]
}

// through says how far from an entry on the server may read, at most to another
// one: up to a block that does not hold, or before from.
func (s *survey) through(from, to uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.blocks {
		b := &s.blocks[i]
		if b.last < from || b.last < b.first {
			continue
		}
		if b.first > to {
			break
		}
		if err := s.check(b); err != nil {
			return 0, err
		}
		if b.bad > 0 {
			return max(b.first, from) - 1, nil
		}
	}
	return to, nil
}

func (s *survey) check(b *block) error {
	if b.checked {
		return nil
	}
	if err := b.check(s.dir, s.run); err != nil {
		return fmt.Errorf("cannot check block %d: %w", b.n, err)
	}
	return nil
}

// salvage calls fn with the entries from one on that a block which does not
// hold has in front of its damage, as they are in its file. It gives the first
// one that does not hold, or that one where it is behind the damage.
func (s *survey) salvage(from uint64, fn func(seq uint64, payload []byte) error) (bad uint64, err error) {
	s.mu.Lock()
	b := s.find(from)
	if b == nil || b.bad <= from {
		s.mu.Unlock()
		return from, nil
	}
	found := *b
	s.mu.Unlock()
	data, err := found.read(s.dir)
	if err != nil {
		return from, err
	}
	next, _, err := newFormat(s.run, found.n).walk(data, found.first, func(seq uint64, payload []byte) error {
		if seq < from || seq >= found.bad {
			return nil
		}
		return fn(seq, payload)
	})
	return min(next, found.bad), err
}

// damage is the first entry that is known to be damaged, 0 for none.
func (s *survey) damage() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.blocks {
		if b.bad > 0 {
			return b.bad
		}
	}
	return 0
}

// held is how many entries the log had, at least, when the bus was started.
func (s *survey) held() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// clear forgets everything: the log was replaced by one that is sound.
func (s *survey) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks, s.last, s.damaged = nil, 0, false
}
