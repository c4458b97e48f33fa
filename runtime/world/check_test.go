package world

import (
	"errors"
	"strings"
	"testing"
)

// pairs flattens names and values for a comparison.
func pairs[T any](all []T, of func(T) (string, []byte)) []string {
	flat := []string{}
	for _, one := range all {
		name, value := of(one)
		flat = append(flat, name, string(value))
	}
	return flat
}

func checkPairs(t testing.TB, what string, got, want []string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("%s:\n%s\nwant:\n%s", what, g, w)
	}
}

func checkObservations(t testing.TB, got []Observation, want ...string) {
	t.Helper()
	checkPairs(t, "observations", pairs(got, func(o Observation) (string, []byte) { return o.Agent, o.JSON }), want)
}

func checkScores(t testing.TB, got []Score, want ...string) {
	t.Helper()
	checkPairs(t, "scores", pairs(got, func(s Score) (string, []byte) { return s.Agent, s.Value }), want)
}

func checkColumns(t testing.TB, got []Column, want ...string) {
	t.Helper()
	checkPairs(t, "columns", pairs(got, func(c Column) (string, []byte) { return c.Name, c.Value }), want)
}

func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, want %q in it", err, part)
		}
	}
}

func wantRefusal(t testing.TB, err error) *Refusal {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("error %v, want a refusal", err)
	}
	return refusal
}
