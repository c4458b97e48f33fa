package agent

import (
	"math"
	"testing"
)

func TestUSD(t *testing.T) {
	for _, c := range []struct {
		dollars float64
		want    USD
		text    string
	}{
		{0, 0, "$0"},
		{1, Dollar, "$1"},
		{0.1, Dollar / 10, "$0.1"},
		{0.0004, 400_000, "$0.0004"},
		{2.50, 5 * Dollar / 2, "$2.5"},
		{1e-9, 1, "$0.000000001"},
		{4e-10, 0, "$0"},
		{6e-10, 1, "$0.000000001"},
		{-0.25, -Dollar / 4, "$-0.25"},
		{1e9, 1e9 * Dollar, "$1000000000"},
		{1e10, 0, "$0"},
		{math.Inf(1), 0, "$0"},
		{math.NaN(), 0, "$0"},
	} {
		if got := FromDollars(c.dollars); got != c.want || got.String() != c.text {
			t.Errorf("%v dollars are %d, %s", c.dollars, got, got)
		}
	}
	// Ten tenths are one, which they are not where they are floats.
	var sum Usage
	for range 10 {
		sum.Add(&Usage{Turns: 1, Input: 2, Output: 3, CacheRead: 4, CacheWrite: 5, USD: FromDollars(0.1)})
	}
	if want := (Usage{Turns: 10, Input: 20, Output: 30, CacheRead: 40, CacheWrite: 50, USD: Dollar}); sum != want {
		t.Errorf("%+v", sum)
	}
}
