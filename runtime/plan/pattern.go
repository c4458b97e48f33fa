package plan

import (
	"sort"
	"strings"

	"github.com/troupe-dev/troupe/scenarios"
)

// number finds the number with which an id's template gives id. Numbers have
// no leading zeros.
func (t template) number(id string) (int, bool) {
	at := 0
	for _, p := range t {
		if p.name != "" {
			break
		}
		at += len(p.text)
	}
	for n, i := 0, at; i < len(id) && i < at+9 && '0' <= id[i] && id[i] <= '9'; i++ {
		n = n*10 + int(id[i]-'0')
		if n > 0 && t.fill(vars{n: n}) == id {
			return n, true
		}
	}
	return 0, false
}

// meets says whether a pattern covers an id that the template gives for some
// number.
func meets(pattern string, t template) bool {
	var symbols []symbol
	for _, p := range t {
		if p.name != "" {
			symbols = append(symbols, symbol{from: '1', to: '9'}, symbol{from: '0', to: '9', repeats: true})
			continue
		}
		for i := range len(p.text) {
			symbols = append(symbols, symbol{from: p.text[i], to: p.text[i]})
		}
	}
	// Only stars make a pattern longer than what it covers.
	for strings.Contains(pattern, "**") {
		pattern = strings.ReplaceAll(pattern, "**", "*")
	}
	const longest = 300
	if len(pattern) > longest {
		return false
	}
	return (&meeting{pattern, symbols, map[[2]int]bool{}}).from(0, 0)
}

// A symbol is one byte of an id, or any number of them.
type symbol struct {
	from, to byte
	repeats  bool
}

// A meeting looks for a text that both a pattern and symbols describe.
type meeting struct {
	pattern string
	symbols []symbol
	failed  map[[2]int]bool // remembers dead ends, so that it takes the product of both lengths
}

func (m *meeting) from(p, s int) bool {
	if m.failed[[2]int{p, s}] {
		return false
	}
	ok := m.try(p, s)
	if !ok {
		m.failed[[2]int{p, s}] = true
	}
	return ok
}

func (m *meeting) try(p, s int) bool {
	star := p < len(m.pattern) && m.pattern[p] == '*'
	if star && m.from(p+1, s) {
		return true
	}
	if s == len(m.symbols) {
		return p == len(m.pattern)
	}
	at := m.symbols[s]
	if (at.repeats || star) && m.from(p, s+1) {
		return true
	}
	if star || p == len(m.pattern) {
		return false
	}
	if c := m.pattern[p]; c != '?' && (c < at.from || c > at.to) {
		return false
	}
	if at.repeats {
		return m.from(p+1, s)
	}
	return m.from(p+1, s+1)
}

// Members gives those of ids that one of the patterns covers, in their order.
// Ids must be sorted as bytes: only those with a pattern's beginning are looked
// at.
func Members(patterns, ids []string) []string {
	chosen := map[string]bool{}
	for _, pattern := range patterns {
		prefix := pattern
		if i := strings.IndexAny(pattern, "*?"); i >= 0 {
			prefix = pattern[:i]
		}
		for i := sort.SearchStrings(ids, prefix); i < len(ids) && strings.HasPrefix(ids[i], prefix); i++ {
			if scenarios.Match(pattern, ids[i]) {
				chosen[ids[i]] = true
			}
		}
	}
	out := make([]string, 0, len(chosen))
	for id := range chosen {
		out = append(out, id)
	}
	sort.Strings(out)
	return out
}

// Covers says whether the channel's patterns cover an agent, one that comes
// during the run included.
func (c *Channel) Covers(id string) bool {
	for _, pattern := range c.Patterns {
		if scenarios.Match(pattern, id) {
			return true
		}
	}
	return false
}
