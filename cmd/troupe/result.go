package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strconv"
	"text/tabwriter"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// tableMost is how many agents the table of scores shows.
const tableMost = 50

// printResult prints what a run came to, for people.
func printResult(w io.Writer, r *runtime.Result) {
	printScores(w, r.Summary.Scores)
	for _, name := range sortedKeys(r.Summary.Columns) {
		_, _ = fmt.Fprintf(w, "%s: %s\n", name, r.Summary.Columns[name])
	}
	for _, e := range r.Expectations {
		if !e.Holds {
			got := "nothing"
			if e.Got != nil {
				got = *e.Got
			}
			_, _ = fmt.Fprintf(w, "MISSED: expected %s, got %s\n", e.What, got)
		}
	}
	if n := len(r.Expectations); n > 0 && !r.Missed() {
		_, _ = fmt.Fprintf(w, "all %d expectations hold\n", n)
	}
	if u := r.Summary.Usage; u.Turns > 0 {
		_, _ = fmt.Fprintf(w, "models: %d turns, %d tokens in, %d out, %s\n", u.Turns, u.Input+u.CacheRead+u.CacheWrite, u.Output, u.USD)
	}
	if r.PeakMemory > 0 {
		_, _ = fmt.Fprintf(w, "memory: %d MiB at most\n", r.PeakMemory>>20)
	}
	_, _ = fmt.Fprintf(w, "%s: %d ticks%s\n", r.Status, r.Summary.Ticks, failuresText(&r.Summary))
	_, _ = fmt.Fprintf(w, "hash %s\n", hex.EncodeToString(r.Summary.Hash[:]))
}

// failuresText counts the outcomes that are no actions.
func failuresText(s *record.Summary) string {
	text := ""
	for _, kind := range sortedKeys(s.Outcomes) {
		if kind != record.Acted {
			text += fmt.Sprintf(", %d × %s", s.Outcomes[kind], kind)
		}
	}
	if s.Timed > 0 {
		text += fmt.Sprintf(" (%d decided by a clock: another run may differ)", s.Timed)
	}
	return text
}

// printScores prints the table of scores, best first.
func printScores(w io.Writer, scores map[string][]byte) {
	if len(scores) == 0 {
		return
	}
	ids := sortedKeys(scores)
	value := func(id string) float64 {
		v, _ := strconv.ParseFloat(string(scores[id]), 64) // the record holds JSON numbers
		return v
	}
	sort.SliceStable(ids, func(i, j int) bool { return value(ids[i]) > value(ids[j]) })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	rank := 0
	for i, id := range ids {
		if i == tableMost {
			break
		}
		if i == 0 || value(id) != value(ids[i-1]) {
			rank = i + 1
		}
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t\n", rank, id, scores[id])
	}
	_ = t.Flush()
	if more := len(ids) - tableMost; more > 0 {
		_, _ = fmt.Fprintf(w, "… and %d more\n", more)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// jsonResult is what --json prints.
type jsonResult struct {
	Run          string                     `json:"run"`
	Scenario     string                     `json:"scenario"`
	Seed         uint64                     `json:"seed"`
	Status       string                     `json:"status"`
	Ticks        int                        `json:"ticks"`
	Hash         string                     `json:"hash"`
	Timed        int                        `json:"timed_outcomes"`
	Scores       map[string]json.RawMessage `json:"scores"`
	Columns      map[string]json.RawMessage `json:"columns"`
	Outcomes     map[string]int             `json:"outcomes"`
	Expectations []runtime.Expectation      `json:"expectations"`
	Survivors    int                        `json:"survivors_killed"`
	PeakMemory   int64                      `json:"peak_memory_bytes,omitempty"` // with limits.memory
	Fork         *jsonFork                  `json:"fork,omitempty"`              // where it is one
	Models       *jsonUsage                 `json:"models,omitempty"`            // where there are any
	Drift        *int                       `json:"drift,omitempty"`             // with --replay-models: requests that are not the ones on record
	Error        string                     `json:"error,omitempty"`
}

// jsonFork is where a run began that is a fork. Starts are the agents that did not
// go on from that tick: from which then, null for a new beginning.
type jsonFork struct {
	Run    string          `json:"run"`
	Tick   int             `json:"tick"`
	Hash   string          `json:"hash"` // of the tick before
	Starts map[string]*int `json:"starts"`
}

func forkOf(f *plan.Fork) *jsonFork {
	if f == nil {
		return nil
	}
	out := &jsonFork{Run: f.Run, Tick: f.Tick, Hash: f.Hash, Starts: map[string]*int{}}
	for id, tick := range f.Starts {
		out.Starts[id] = nil
		if tick >= 0 {
			out.Starts[id] = &tick
		}
	}
	return out
}

// jsonUsage is what the run's models were used for, in all.
type jsonUsage struct {
	Turns      int     `json:"turns"`
	Input      int     `json:"input_tokens"`
	Output     int     `json:"output_tokens"`
	CacheRead  int     `json:"cache_read_tokens"`
	CacheWrite int     `json:"cache_write_tokens"`
	USD        float64 `json:"usd"`
}

// printJSON prints what a run came to, for programs.
func printJSON(w io.Writer, r *runtime.Result, err error) {
	out := jsonResult{
		Run: r.Run, Scenario: r.Scenario, Seed: r.Seed, Status: string(r.Status), Ticks: r.Summary.Ticks,
		Hash: hex.EncodeToString(r.Summary.Hash[:]), Timed: r.Summary.Timed, Scores: raw(r.Summary.Scores),
		Columns: raw(r.Summary.Columns), Outcomes: r.Summary.Outcomes, Expectations: r.Expectations, Survivors: r.Survivors,
		Fork: forkOf(r.Fork), PeakMemory: r.PeakMemory,
	}
	if u := r.Summary.Usage; u.Turns > 0 {
		out.Models = &jsonUsage{u.Turns, u.Input, u.Output, u.CacheRead, u.CacheWrite, u.USD.Dollars()}
	}
	if r.Replayed {
		out.Drift = &r.Drift
	}
	if out.Outcomes == nil {
		out.Outcomes = map[string]int{}
	}
	if out.Expectations == nil {
		out.Expectations = []runtime.Expectation{}
	}
	if err != nil {
		out.Error = err.Error()
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(out)
}

func raw(m map[string][]byte) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
