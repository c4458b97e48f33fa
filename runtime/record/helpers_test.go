package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/tree"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var genesis = sha256.Sum256([]byte("a plan"))

// memory is a stream without a disk.
type memory struct {
	mu      sync.Mutex
	entries [][]byte
	fail    int // the append that fails, counted down to 0; negative: none
}

var errDisk = errors.New("the disk is full")

func newMemory() *memory { return &memory{fail: -1} }

func (m *memory) Append(_ context.Context, p []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == 0 {
		return errDisk
	}
	m.fail--
	m.entries = append(m.entries, bytes.Clone(p))
	return nil
}

func (m *memory) Last(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.entries)), nil
}

func (m *memory) Get(_ context.Context, seq uint64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq == 0 || seq > uint64(len(m.entries)) {
		return nil, fmt.Errorf("no entry %d", seq)
	}
	return bytes.Clone(m.entries[seq-1]), nil
}

func (m *memory) Read(_ context.Context, from uint64, fn func(uint64, []byte) error) error {
	m.mu.Lock()
	entries := slices.Clone(m.entries)
	m.mu.Unlock()
	for i := int(from) - 1; i < len(entries); i++ {
		if err := fn(uint64(i)+1, bytes.Clone(entries[i])); err != nil {
			return err
		}
	}
	return nil
}

// A maker makes records at random, lists in order, in the form that decoding
// gives (nothing is nil).
type maker struct{ *rand.Rand }

func newMaker(seed uint64) maker { return maker{rand.New(rand.NewPCG(seed, 1))} }

func (m maker) json() []byte {
	if m.IntN(8) == 0 {
		return nil
	}
	return fmt.Appendf(nil, `{"n":%d,"s":"%x"}`, m.Int(), m.Uint32())
}

func (m maker) text() string {
	return []string{"", "a", "tit-for-tat-1", "\"quoted\"\n\x00", "Zoë", "\xff\xfe"}[m.IntN(6)]
}

// some makes a list of up to four; rising is added to the i-th's name.
func some[T any](m maker, make func(name string) T) []T {
	var list []T
	for i := range m.IntN(5) {
		list = append(list, make(fmt.Sprintf("%d%s", i, m.text())))
	}
	return list
}

func (m maker) record(tick int) *Record {
	r := m.plain(tick)
	for i := range r.Messages {
		r.Messages[i].Refused = m.IntN(3) == 0
		if m.IntN(3) == 0 {
			r.Messages[i].Fate = &Fate{Copies: m.IntN(3), Delay: m.IntN(3), Cut: m.IntN(300)}
		}
	}
	if m.IntN(3) == 0 {
		name := func(name string) string { return name }
		group := func(string) []string { return some(m, name) }
		r.Partitions = some(m, func(string) Partition { return Partition{some(m, group)} })
	}
	if m.IntN(3) == 0 {
		m.shared(r)
	}
	return r
}

// shared adds what came about in the shared tree.
func (m maker) shared(r *Record) {
	number := m.IntN(300)
	r.Commits = some(m, func(author string) tree.Commit {
		number++
		return tree.Commit{Number: number, Author: author, Position: m.IntN(3), Message: m.text(), Changes: some(m, func(path string) tree.Change {
			return tree.Change{Path: path, Delete: m.IntN(2) == 0, Exec: m.IntN(2) == 0, Content: m.json()}
		})}
	})
	r.Leases = some(m, func(agent string) tree.Step {
		return tree.Step{
			Agent: agent, Position: m.IntN(3), What: m.text(), Ticket: m.IntN(300), Token: m.IntN(300), TTL: m.IntN(3),
			Paths: some(m, func(p string) string { return p }), Why: m.text(),
		}
	})
}

// plain is one that no fault has hit.
func (m maker) plain(tick int) *Record {
	return &Record{
		Tick: tick,
		Turns: some(m, func(id string) Turn {
			return Turn{id, m.json(), agent.Failure(m.text()), m.text(), m.json(), m.IntN(2) == 0, m.IntN(2) == 0, m.taken(), m.IntN(3)}
		}),
		Messages: some(m, func(id string) Message { return Message{From: id, To: m.text(), Channel: m.text(), Body: m.json()} }),
		Results:  some(m, func(id string) Result { return Result{id, m.json()} }),
		Scores:   some(m, func(id string) Score { return Score{id, m.json()} }),
		Events:   some(m, func(string) []byte { return m.json() }),
		Columns:  some(m, func(id string) Column { return Column{id, m.json()} }),
		Added:    some(m, func(id string) Added { return Added{id, m.json()} }),
		Removed:  some(m, func(id string) string { return id }),
		Channels: some(m, func(id string) Channel {
			return Channel{id, some(m, func(id string) string { return id })}
		}),
		Annex: m.annex(tick),
	}
}

func (m maker) taken() *Taken {
	if m.IntN(2) == 0 {
		return nil
	}
	return &Taken{m.IntN(1e6), m.IntN(300), m.IntN(3), m.IntN(3)}
}

func (m maker) annex(tick int) Annex {
	a := Annex{
		Elapsed: Elapsed{Ask: time.Duration(m.Int64()), Step: time.Duration(m.IntN(1000)), Commit: time.Duration(m.IntN(1000)), Observe: time.Duration(m.IntN(3))},
		Timed:   m.IntN(3),
		Attempts: some(m, func(id string) Attempt {
			act := agent.Act{Agent: id, Tick: tick, Action: m.json(), Done: m.IntN(2) == 0}
			act.Send = some(m, func(id string) agent.Send { return agent.Send{To: id, Channel: m.text(), Body: m.json()} })
			return Attempt{id, m.IntN(5), m.text(), agent.Failure(m.text()), act, m.IntN(3)}
		}),
		Facts: some(m, func(id string) Fact { return Fact{id, m.text(), m.IntN(9) - 1, m.text()} }),
		Usages: some(m, func(id string) Usage {
			return Usage{id, m.IntN(3), agent.Usage{
				Model: m.text(), Session: m.text(), Turns: m.IntN(9), Input: m.IntN(9e5), Output: m.IntN(9e5),
				CacheRead: m.IntN(9), CacheWrite: m.IntN(9), USD: agent.USD(m.IntN(9e9)), Took: time.Duration(m.IntN(9e9)),
			}}
		}),
		Answers: some(m, func(id string) Latency {
			l := Latency{Kind: id}
			for range m.IntN(20) {
				l.Add(time.Duration(m.Int64N(int64(time.Hour))))
			}
			l.Fine = Latency{}.Fine // which is not stored
			return l
		}),
	}
	if m.IntN(4) > 0 {
		a.Time = time.Unix(0, m.Int64()).UTC()
	}
	return a
}

// large makes a record whose frame is about n bytes, however it is packed.
func (m maker) large(tick, n int) *Record {
	noise := make([]byte, n)
	for i := range noise {
		noise[i] = byte(m.Uint32())
	}
	return &Record{Tick: tick, Events: [][]byte{noise}}
}

// typical makes a tick of a game with many players.
func (m maker) typical(tick, turns int) *Record {
	r := &Record{Tick: tick}
	for i := range turns {
		id := fmt.Sprintf("cell-%05d", i)
		r.Turns = append(r.Turns, Turn{
			Agent:       id,
			Observation: fmt.Appendf(nil, `{"self":%d,"neighbours":[%d,%d,%d,%d],"payoffs":[%d.85,%d,%d.7,%d]}`, m.IntN(2), m.IntN(2), m.IntN(2), m.IntN(2), m.IntN(2), m.IntN(9), m.IntN(9), m.IntN(9), m.IntN(9)),
			Action:      fmt.Appendf(nil, `{"move":%q}`, []string{"cooperate", "defect"}[m.IntN(2)]),
		})
		r.Scores = append(r.Scores, Score{id, fmt.Appendf(nil, "%d", 17*tick+m.IntN(9))})
	}
	r.Columns = []Column{{"cooperators", fmt.Appendf(nil, "%d", m.IntN(turns+1))}}
	r.Annex = Annex{Time: time.Unix(1e9, int64(tick)).UTC(), Elapsed: Elapsed{Ask: time.Millisecond, Step: time.Microsecond}}
	return r
}

func mustAppend(t testing.TB, l *Log, r *Record) [HashSize]byte {
	t.Helper()
	hash, err := l.Append(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
