package plan

import (
	"math"

	"github.com/troupe-dev/troupe/runtime/price"
)

// A flow is a conversation that several agents have alike, each by itself.
type flow struct {
	entry   *Entry
	agents  []string
	assumed Assumptions
	prefix  int64 // tokens
	rates   price.Price
	goesOn  bool // from turn to turn
	turns   int
	known   bool // else turns is 1, and more may follow
}

// A use is what was used of models.
type use struct {
	input, cached, output int64
	usd, uncached         Dollars
}

// spent is what one agent uses in so many turns.
func (f *flow) spent(turns int) use {
	a := f.assumed
	requests := times(int64(turns), int64(a.Requests))
	length := int64(a.Requests)
	if f.goesOn {
		length = requests
	}
	// The prompt of request k has the prefix, k messages and k-1 answers.
	room := (int64(a.Window) - f.prefix + int64(a.Answer)) / int64(a.Message+a.Answer)
	length = min(length, max(room, 1))
	whole, rest := requests/length, requests%length
	if whole == 0 {
		return use{}
	}
	return f.conversation(length, false).plus(f.conversation(length, true).times(whole - 1)).plus(f.conversation(rest, true))
}

// conversation is what so many requests of one conversation use. Each reads from the
// cache what the one before it has written there, the first one the prefix, where an
// earlier conversation of the agent has.
func (f *flow) conversation(requests int64, warm bool) (u use) {
	message, answer := int64(f.assumed.Message), int64(f.assumed.Answer)
	var cached int64
	if warm {
		cached = f.prefix
	}
	prompt := f.prefix + message
	for range requests {
		with := price.Tokens{CacheRead: cached, CacheWrite: prompt - cached, Output: answer}
		without := price.Tokens{Input: prompt, Output: answer}
		u = u.plus(use{prompt - cached, cached, answer, Dollars(f.rates.Cost(&with)), Dollars(f.rates.Cost(&without))})
		cached, prompt = prompt, prompt+answer+message
	}
	return u
}

// until is how many of the first turns are the agents'.
func (f *flow) until(turn int) int {
	if f.known {
		return min(turn, f.turns)
	}
	return turn
}

func (u use) plus(v use) use {
	return use{plus(u.input, v.input), plus(u.cached, v.cached), plus(u.output, v.output), plus(u.usd, v.usd), plus(u.uncached, v.uncached)}
}

func (u use) times(n int64) use {
	return use{times(u.input, n), times(u.cached, n), times(u.output, n), Dollars(times(int64(u.usd), n)), Dollars(times(int64(u.uncached), n))}
}

// plus and times are those of amounts that are not negative: what is too large for
// them is the largest there is.
func plus[T ~int64](a, b T) T {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func times(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}
