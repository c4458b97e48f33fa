package agent

import (
	"math"
	"strconv"
	"time"
)

// USD is an amount of money in billionths of a US dollar, so that sums of many
// small amounts are exact.
type USD int64

// Dollar is one US dollar.
const Dollar USD = 1_000_000_000

// Dollars is the amount as a number of dollars.
func (u USD) Dollars() float64 { return float64(u) / float64(Dollar) }

func (u USD) String() string { return "$" + strconv.FormatFloat(u.Dollars(), 'f', -1, 64) }

// FromDollars rounds to the nearest amount; what is no amount is 0.
func FromDollars(d float64) USD {
	if math.IsNaN(d) || math.Abs(d) > 1e9 {
		return 0
	}
	return USD(math.Round(d * float64(Dollar)))
}

// A Usage is what one answer of a model took. Its figures are what OpenTelemetry
// calls gen_ai.client.token.usage and gen_ai.client.operation.duration.
type Usage struct {
	Model      string
	Session    string // of the agent's own command line tool
	Turns      int    // of the model, as the tool counts them: a reply or a round of tools each
	Input      int    // tokens, those of the cache not included
	Output     int    // tokens
	CacheRead  int    // tokens
	CacheWrite int    // tokens
	USD        USD
	Took       time.Duration // as the tool measured it
}

// Add sums the figures up; names and durations stay as they are.
func (u *Usage) Add(v *Usage) {
	u.Turns += v.Turns
	u.Input += v.Input
	u.Output += v.Output
	u.CacheRead += v.CacheRead
	u.CacheWrite += v.CacheWrite
	u.USD += v.USD
}

// mostCounted is the largest figure of one answer that is believed.
const mostCounted = 1 << 40

// plausible brings figures that a tool reports into a range whose sums mean
// something: nothing that it says makes what was used before less.
func (u *Usage) plausible() {
	for _, n := range []*int{&u.Turns, &u.Input, &u.Output, &u.CacheRead, &u.CacheWrite} {
		*n = min(max(*n, 0), mostCounted)
	}
	u.USD, u.Took = max(u.USD, 0), max(u.Took, 0)
}
