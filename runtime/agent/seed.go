package agent

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// Seed derives an agent's own seed from its run's: the top 53 bits of SHA-256
// over the run's seed in decimal, a 0 byte and the id. The world's id is
// empty.
func Seed(run uint64, id string) uint64 {
	return derive(appendSeed(nil, run, id))
}

// TurnSeed derives the seed of one turn of an agent that has a process per
// turn: as Seed, with a 0 byte and the tick in decimal after the id.
func TurnSeed(run uint64, id string, tick int) uint64 {
	b := append(appendSeed(nil, run, id), 0)
	return derive(strconv.AppendInt(b, int64(tick), 10))
}

func appendSeed(dst []byte, run uint64, id string) []byte {
	dst = strconv.AppendUint(dst, run, 10)
	dst = append(dst, 0)
	return append(dst, id...)
}

func derive(text []byte) uint64 {
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:8]) >> 11
}
