package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/record"
)

// An entries store keeps what a record.Log appends.
type entries struct{ list [][]byte }

func (e *entries) Append(_ context.Context, payload []byte) error {
	e.list = append(e.list, slices.Clone(payload))
	return nil
}

func (e *entries) Last(context.Context) (uint64, error) { return uint64(len(e.list)), nil }

func (e *entries) Get(_ context.Context, seq uint64) ([]byte, error) { return e.list[seq-1], nil }

func (e *entries) Read(_ context.Context, from uint64, fn func(uint64, []byte) error) error {
	for i := from; i <= uint64(len(e.list)); i++ {
		if err := fn(i, e.list[i-1]); err != nil {
			return err
		}
	}
	return nil
}

// TestOnTheRecordsOwnLog plays the games of random failures on the log that
// runs are kept in: its codec, its order and its chain.
func TestOnTheRecordsOwnLog(t *testing.T) {
	for seed := range uint64(20) {
		p := lotteryPlan(25, somePolicies(rand.New(rand.NewPCG(seed, 5))))
		m := newMoody(t, seed)
		lg := record.Create(&entries{}, [32]byte{1})
		w := newLottery(seed)
		res, err := Lockstep(t.Context(), Config{Plan: p, World: w, Fleet: m, Log: lg, Run: "r1"})
		if err != nil {
			t.Fatal(err)
		}
		ticks, hash, err := lg.Verify(t.Context())
		if err != nil || ticks != res.Ticks || hash != res.Hash {
			t.Fatalf("the log verifies to %d ticks, %x, %v; the result is %+v", ticks, hash, err, res)
		}
		for _, id := range []string{"a", "c", "rabbit-1"} {
			got := map[string][]string{}
			if err := History(t.Context(), lg, p, nil, []string{id}, collector(got)); err != nil {
				t.Fatal(err)
			}
			same(t, "history of "+id, strings.Join(got[id], "\n"), strings.Join(m.answered[id], "\n"))
		}
		again := newLottery(seed)
		from, err := Restore(t.Context(), lg, p, "r1", again, nil)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "hash", from.Hash(), res.Hash)
		same(t, "what the world was given", again.chosen, w.chosen)
	}
}
