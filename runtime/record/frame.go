package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"
)

// A frame is what the log holds of one tick:
//
//	1 byte    version, 1
//	1 byte    1 where the body is compressed, else 0
//	32 bytes  H(tick+1), the hash that the chain has after this tick
//	number    length of the hashed part
//	body      hashed part, annex
//
// A compressed body is cut every blockSize bytes; each piece is one block of
// s2 after a number, its length.
const (
	frameVersion = 1
	frameHead    = 2 + HashSize
	blockSize    = 1 << 20
	// worthIt is the length in bytes from which a body is compressed.
	worthIt = 128
	// maxBody is the largest body that is read.
	maxBody = 1 << 30
)

// HashSize is the length of a hash in bytes.
const HashSize = 32

// packer makes frames; its buffers are used again.
type packer struct {
	block []byte
}

// frame appends one to dst. Body is the hashed part, its length given, with
// the annex behind it.
func (p *packer) frame(dst []byte, hash *[HashSize]byte, hashed int, body []byte) ([]byte, error) {
	if len(body) > maxBody {
		return dst, fmt.Errorf("its %d bytes are more than a record may have (%d)", len(body), maxBody)
	}
	start := len(dst)
	dst = append(dst, frameVersion, 1)
	dst = append(dst, hash[:]...)
	dst = binary.AppendUvarint(dst, uint64(hashed))
	data := len(dst)
	if len(body) >= worthIt {
		dst = p.compress(dst, body)
		if len(dst)-data < len(body) {
			return dst, nil
		}
	}
	dst[start+1] = 0
	return append(dst[:data], body...), nil
}

func (p *packer) compress(dst, body []byte) []byte {
	for len(body) > 0 {
		n := min(len(body), blockSize)
		if need := s2.MaxEncodedLen(n); cap(p.block) < need {
			p.block = make([]byte, need)
		}
		block := s2.Encode(p.block[:cap(p.block)], body[:n])
		dst = appendBytes(dst, block)
		body = body[n:]
	}
	return dst
}

// A frame taken apart. Its parts lie in the frame, or in memory of their own
// where the body was compressed.
type frame struct {
	hash          [HashSize]byte
	hashed, annex []byte
	packed        []byte // the whole frame
}

var errFrame = errors.New("malformed frame")

// unframe takes any input; the memory it asks for is in proportion to what the
// input really holds.
func unframe(in []byte) (frame, error) {
	f := frame{packed: in}
	if len(in) < frameHead {
		return f, fmt.Errorf("%w: %d bytes are none", errFrame, len(in))
	}
	if in[0] != frameVersion {
		return f, fmt.Errorf("%w: its version is %d, this program reads %d", errFrame, in[0], frameVersion)
	}
	copy(f.hash[:], in[2:frameHead])
	hashed, n, ok := uvarint(in[frameHead:])
	if !ok {
		return f, fmt.Errorf("%w: no length", errFrame)
	}
	body := in[frameHead+n:]
	switch in[1] {
	case 0:
	case 1:
		var err error
		if body, err = decompress(body); err != nil {
			return f, err
		}
	default:
		return f, fmt.Errorf("%w: unknown packing %d", errFrame, in[1])
	}
	if hashed > uint64(len(body)) {
		return f, fmt.Errorf("%w: %d bytes are hashed of %d", errFrame, hashed, len(body))
	}
	f.hashed, f.annex = body[:hashed:hashed], body[hashed:]
	return f, nil
}

func decompress(in []byte) ([]byte, error) {
	var out []byte
	for len(in) > 0 {
		size, n, ok := uvarint(in)
		if !ok || size > uint64(len(in)-n) {
			return nil, fmt.Errorf("%w: a block is cut off", errFrame)
		}
		block := in[n : n+int(size)]
		in = in[n+int(size):]
		length, err := s2.DecodedLen(block)
		if err != nil || length > blockSize || len(out)+length > maxBody {
			return nil, fmt.Errorf("%w: a block has no right length", errFrame)
		}
		out = slices.Grow(out, length)
		if _, err := s2.Decode(out[len(out):len(out)+length], block); err != nil {
			return nil, fmt.Errorf("%w: a block cannot be decompressed: %w", errFrame, err)
		}
		out = out[:len(out)+length]
	}
	return out, nil
}
