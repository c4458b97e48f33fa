package runtime

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A ResultJSON is a Result as programs are told of it: what --json prints, and what a
// run's result.json holds.
type ResultJSON struct {
	Run          string                     `json:"run"`
	Scenario     string                     `json:"scenario"`
	Seed         uint64                     `json:"seed"`
	Status       observe.Status             `json:"status"`
	Ticks        int                        `json:"ticks"`
	Hash         string                     `json:"hash"`
	Timed        int                        `json:"timed_outcomes"`
	Scores       map[string]json.RawMessage `json:"scores"`
	Columns      map[string]json.RawMessage `json:"columns"`
	Outcomes     map[string]int             `json:"outcomes"`
	Expectations []Expectation              `json:"expectations"`
	Survivors    int                        `json:"survivors_killed"`
	PeakMemory   int64                      `json:"peak_memory_bytes,omitempty"` // with limits.memory
	Fork         *ForkJSON                  `json:"fork,omitempty"`              // where it is one
	Models       *UsageJSON                 `json:"models,omitempty"`            // where there are any
	Drift        *int                       `json:"drift,omitempty"`             // with --replay-models: requests that are not the ones on record
	Error        string                     `json:"error,omitempty"`
}

// A ForkJSON is where a run began that is a fork. Starts are the agents that did not
// go on from that tick: from which then, null for a new beginning.
type ForkJSON struct {
	Run    string          `json:"run"`
	Tick   int             `json:"tick"`
	Hash   string          `json:"hash"` // of the tick before
	Starts map[string]*int `json:"starts"`
}

func tellFork(f *plan.Fork) *ForkJSON {
	if f == nil {
		return nil
	}
	out := &ForkJSON{Run: f.Run, Tick: f.Tick, Hash: f.Hash, Starts: map[string]*int{}}
	for id, tick := range f.Starts {
		out.Starts[id] = nil
		if tick >= 0 {
			out.Starts[id] = &tick
		}
	}
	return out
}

// A UsageJSON is what the run's models were used for, in all.
type UsageJSON struct {
	Turns      int     `json:"turns"`
	Input      int     `json:"input_tokens"`
	Output     int     `json:"output_tokens"`
	CacheRead  int     `json:"cache_read_tokens"`
	CacheWrite int     `json:"cache_write_tokens"`
	USD        float64 `json:"usd"`
}

// Tell is the result with the error that the run ended with, if any.
func (r *Result) Tell(err error) *ResultJSON {
	out := &ResultJSON{
		Run: r.Run, Scenario: r.Scenario, Seed: r.Seed, Status: r.Status, Ticks: r.Summary.Ticks,
		Hash: hex.EncodeToString(r.Summary.Hash[:]), Timed: r.Summary.Timed, Scores: raw(r.Summary.Scores),
		Columns: raw(r.Summary.Columns), Outcomes: r.Summary.Outcomes, Expectations: r.Expectations, Survivors: r.Survivors,
		Fork: tellFork(r.Fork), PeakMemory: r.PeakMemory,
	}
	if u := r.Summary.Usage; u.Turns > 0 {
		out.Models = &UsageJSON{u.Turns, u.Input, u.Output, u.CacheRead, u.CacheWrite, u.USD.Dollars()}
	}
	if r.Replayed {
		out.Drift = &r.Drift
	}
	if out.Outcomes == nil {
		out.Outcomes = map[string]int{}
	}
	if out.Expectations == nil {
		out.Expectations = []Expectation{}
	}
	if err != nil {
		out.Error = err.Error()
	}
	return out
}

// Result is what was told, without what only the run itself can say.
func (t *ResultJSON) Result() (*Result, error) {
	r := &Result{
		Run: t.Run, Scenario: t.Scenario, Seed: t.Seed, Status: t.Status, Expectations: t.Expectations,
		Survivors: t.Survivors, PeakMemory: t.PeakMemory, Replayed: t.Drift != nil,
		Summary: record.Summary{Ticks: t.Ticks, Timed: t.Timed, Scores: bytesOf(t.Scores), Columns: bytesOf(t.Columns), Outcomes: t.Outcomes},
	}
	hash, err := hex.DecodeString(t.Hash)
	if err != nil || len(hash) != record.HashSize {
		return nil, fmt.Errorf("cannot read the result of run %s: its hash is %q", t.Run, t.Hash)
	}
	copy(r.Summary.Hash[:], hash)
	if t.Drift != nil {
		r.Drift = *t.Drift
	}
	if u := t.Models; u != nil {
		r.Summary.Usage = agent.Usage{Turns: u.Turns, Input: u.Input, Output: u.Output, CacheRead: u.CacheRead, CacheWrite: u.CacheWrite, USD: agent.FromDollars(u.USD)}
	}
	return r, nil
}

func raw(m map[string][]byte) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func bytesOf(m map[string]json.RawMessage) map[string][]byte {
	out := make(map[string][]byte, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
