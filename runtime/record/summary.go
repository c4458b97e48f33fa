package record

import (
	"bytes"
	"context"
	"maps"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// Acted is the type under which a Summary counts outcomes that are actions;
// the others go by their failure's name.
const Acted = "action"

// A Summary is what a run comes to so far. The zero value is that of a run
// without ticks. One goroutine at a time uses it.
type Summary struct {
	Ticks    int
	Hash     [HashSize]byte    // after the newest tick
	End      End               // empty where the run goes on or was interrupted
	Timed    int               // outcomes that a clock decided
	Scores   map[string][]byte // by agent, the newest; texts of JSON numbers
	Columns  map[string][]byte // by name, the newest; compact JSON
	Outcomes map[string]int    // by type
	Usage    agent.Usage       // of all models: Turns, tokens and USD alone are summed
}

// Add takes the next record in. It keeps nothing of r.
func (s *Summary) Add(r *Record, hash [HashSize]byte) {
	if s.Scores == nil {
		s.Scores, s.Columns, s.Outcomes = map[string][]byte{}, map[string][]byte{}, map[string]int{}
	}
	s.Ticks, s.Hash, s.End = r.Tick+1, hash, r.End
	s.Timed += r.Annex.Timed
	acted := 0
	for i := range r.Turns {
		if f := r.Turns[i].Failure; f != "" {
			s.Outcomes[string(f)]++
		} else {
			acted++
		}
	}
	if acted > 0 {
		s.Outcomes[Acted] += acted
	}
	for i := range r.Annex.Usages {
		s.Usage.Add(&r.Annex.Usages[i].Usage)
	}
	for i := range r.Scores {
		x := &r.Scores[i]
		s.Scores[x.Agent] = append(s.Scores[x.Agent][:0], x.Value...)
	}
	for i := range r.Columns {
		x := &r.Columns[i]
		s.Columns[x.Name] = append(s.Columns[x.Name][:0], x.Value...)
	}
}

// Clone is a copy that further Adds leave alone.
func (s *Summary) Clone() Summary {
	c := *s
	c.Scores, c.Columns, c.Outcomes = cloneValues(s.Scores), cloneValues(s.Columns), maps.Clone(s.Outcomes)
	return c
}

func cloneValues(m map[string][]byte) map[string][]byte {
	if m == nil {
		return nil
	}
	c := make(map[string][]byte, len(m))
	for k, v := range m {
		c[k] = bytes.Clone(v)
	}
	return c
}

// Summarize reads a log from its start and checks its chain on the way. On an
// error it gives the summary up to there.
func Summarize(ctx context.Context, l *Log) (Summary, error) {
	s := Summary{Hash: l.genesis}
	err := l.Read(ctx, 0, func(r *Record, hash [HashSize]byte) error {
		s.Add(r, hash)
		return nil
	})
	return s, err
}
