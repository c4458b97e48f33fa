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

// printJSON prints what a run came to, for programs.
func printJSON(w io.Writer, r *runtime.Result, err error) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(r.Tell(err))
}
