package record

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A frame is stored in chunks, each one entry of the stream: a head of
//
//	1 byte    version, 1
//	number    tick
//	number    attempt, from 1
//	number    index, from 0
//	1 byte    1 where this is the tick's last chunk, else 0
//
// and a part of the frame. A tick exists once its last chunk is stored. Where
// a writer died before that, the chunks it left are followed by the tick's
// first chunk again, with a higher attempt.
const (
	chunkVersion = 1
	chunkSize    = 512 << 10 // bytes of frame
	maxChunkHead = 2 + 3*binary.MaxVarintLen64
)

type chunkHead struct {
	tick, attempt, index uint64
	last                 bool
}

func (h chunkHead) appendTo(dst []byte) []byte {
	dst = append(dst, chunkVersion)
	dst = binary.AppendUvarint(dst, h.tick)
	dst = binary.AppendUvarint(dst, h.attempt)
	dst = binary.AppendUvarint(dst, h.index)
	if h.last {
		return append(dst, 1)
	}
	return append(dst, 0)
}

var errChunk = errors.New("malformed chunk")

// unchunk splits an entry of the stream into its head and its part of a frame.
func unchunk(in []byte) (h chunkHead, part []byte, err error) {
	if len(in) == 0 {
		return h, nil, fmt.Errorf("%w: it is empty", errChunk)
	}
	if in[0] != chunkVersion {
		return h, nil, fmt.Errorf("%w: its version is %d, this program reads %d", errChunk, in[0], chunkVersion)
	}
	in = in[1:]
	for _, field := range []*uint64{&h.tick, &h.attempt, &h.index} {
		v, n, ok := uvarint(in)
		if !ok || v > 1<<53 {
			return h, nil, fmt.Errorf("%w: its head is cut off", errChunk)
		}
		*field, in = v, in[n:]
	}
	if len(in) == 0 || in[0] > 1 {
		return h, nil, fmt.Errorf("%w: its head is cut off", errChunk)
	}
	h.last = in[0] == 1
	return h, in[1:], nil
}

// assembler puts chunks together again.
type assembler struct {
	open bool      // some of a tick's chunks are here
	head chunkHead // the newest one's
	buf  []byte
}

// add takes the next entry of the stream and gives a frame once it is whole.
// The frame is not used again by the assembler.
func (a *assembler) add(entry []byte) (tick int, whole []byte, err error) {
	h, part, err := unchunk(entry)
	if err != nil {
		return 0, nil, err
	}
	switch {
	case h.index == 0 && !a.open:
	case h.index == 0 && h.tick == a.head.tick && h.attempt > a.head.attempt: // the open one was given up
	case a.open && h.index == a.head.index+1 && h.tick == a.head.tick && h.attempt == a.head.attempt:
		a.buf = append(a.buf, part...)
		return a.step(h, a.buf)
	default:
		return 0, nil, fmt.Errorf("%w: part %d of tick %d (attempt %d) does not follow what is before it", errChunk, h.index, h.tick, h.attempt)
	}
	if !h.last {
		a.buf = append(make([]byte, 0, 2*len(part)), part...)
	}
	return a.step(h, part)
}

func (a *assembler) step(h chunkHead, frame []byte) (int, []byte, error) {
	a.head, a.open = h, !h.last
	if !h.last {
		return 0, nil, nil
	}
	a.buf = nil
	return int(h.tick), frame, nil
}
