package observe

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

const (
	// mostLaps and lapScores bound the ticks, and the scores in all of them, that are
	// known of how a race came about.
	mostLaps  = 128
	lapScores = 1 << 16
	// mostLeaders is how many agents a frame tells that of.
	mostLeaders = 24
)

// A race is how scores came about: those of all agents after some ticks, evenly
// apart, in a room that does not grow. Clones share laps, which nothing changes.
type race struct {
	laps  []lap
	every int // ticks between laps
}

// A lap is what all had after a tick.
type lap struct {
	tick   int
	scores []float64 // by the agent's place
}

func (r *race) clone() race { return race{slices.Clip(r.laps), r.every} }

// add takes the scores after a tick in, where its turn has come.
func (r *race) add(tick int, scores map[string]scored) {
	r.every = max(r.every, 1)
	if len(scores) == 0 || tick%r.every != 0 {
		return
	}
	l := lap{tick, make([]float64, len(scores))}
	for _, s := range scores {
		l.scores[s.place] = s.number
	}
	r.laps = append(r.laps, l)
	for len(r.laps) > 1 && (len(r.laps) > mostLaps || len(r.laps)*len(scores) > lapScores) {
		r.every *= 2
		var fewer []lap
		for _, l := range r.laps {
			if l.tick%r.every == 0 {
				fewer = append(fewer, l)
			}
		}
		r.laps = fewer
	}
}

func (r *race) size() int {
	n := 0
	for _, l := range r.laps {
		n += 32 + 8*len(l.scores)
	}
	return n
}

// leaders are those with the highest scores.
func leaders(scores map[string]scored) map[string]scored {
	if len(scores) <= mostLeaders {
		return scores
	}
	names := make([]string, 0, len(scores))
	for name := range scores {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(scores[b].number, scores[a].number), strings.Compare(a, b))
	})
	first := make(map[string]scored, mostLeaders)
	for _, name := range names[:mostLeaders] {
		first[name] = scores[name]
	}
	return first
}

// appendRace appends how those who lead came to it.
func (p *picture) appendRace(dst []byte) []byte {
	return appendMap(dst, "race", leaders(p.scores), func(scored) bool { return true }, func(dst []byte, s scored) []byte {
		dst = append(dst, '[')
		n := 0
		for _, l := range p.race.laps {
			if s.place < len(l.scores) && l.tick < p.tick {
				dst = appendPoint(comma(dst, n), point{l.tick, l.scores[s.place]})
				n++
			}
		}
		return append(appendPoint(comma(dst, n), point{p.tick, s.number}), ']')
	})
}

func appendPoint(dst []byte, x point) []byte {
	dst = strconv.AppendInt(append(dst, '['), int64(x.tick), 10)
	dst = strconv.AppendFloat(append(dst, ','), x.value, 'g', -1, 64)
	return append(dst, ']')
}
