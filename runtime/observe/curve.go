package observe

import (
	"slices"
	"strconv"
)

// A point is a column's value in a tick.
type point struct {
	tick  int
	value float64
}

// A span is of some points, one after another: the lowest and the highest, so that
// nothing that stands out is lost where many ticks are drawn as one.
type span struct{ low, high point }

func spanOf(points ...point) span {
	s := span{points[0], points[0]}
	for _, p := range points[1:] {
		s = s.with(span{p, p})
	}
	return s
}

// with is the span of both, of which o is the later one.
func (s span) with(o span) span {
	if o.low.value < s.low.value {
		s.low = o.low
	}
	if o.high.value > s.high.value {
		s.high = o.high
	}
	return s
}

// appendTo appends its points in the order of their ticks.
func (s span) appendTo(points []point) []point {
	first, last := s.low, s.high
	if first.tick > last.tick {
		first, last = last, first
	}
	if points = append(points, first); last.tick > first.tick {
		points = append(points, last)
	}
	return points
}

// A curve is a column over time, in a room that does not grow: its newest points
// as they are, and all of it as spans.
type curve struct {
	recent []point
	spans  []span
	total  int
	stride int // points of a span
}

func (s *curve) clone() *curve {
	c := *s
	c.recent, c.spans = slices.Clone(s.recent), slices.Clone(s.spans)
	return &c
}

func (s *curve) add(p point) {
	if len(s.recent) == 2*mostPoints {
		s.recent = append(s.recent[:0], s.recent[mostPoints:]...)
	}
	s.recent = append(s.recent, p)
	s.stride = max(s.stride, 1)
	if s.total%s.stride == 0 {
		if len(s.spans) == mostPoints {
			for i := range mostPoints / 2 {
				s.spans[i] = s.spans[2*i].with(s.spans[2*i+1])
			}
			s.spans = s.spans[:mostPoints/2]
			s.stride *= 2
		}
		s.spans = append(s.spans, spanOf(p))
	} else {
		last := &s.spans[len(s.spans)-1]
		*last = last.with(spanOf(p))
	}
	s.total++
}

// after gives the points after a tick: where there are too many, the lowest and the
// highest of even parts of them, and the last one.
func (s *curve) after(tick int) []point {
	points := younger(s.recent, tick)
	if len(points) == len(s.recent) && s.total > len(s.recent) {
		points = nil
		for _, x := range s.spans {
			points = x.appendTo(points)
		}
		points = withLast(younger(points, tick), s.recent[len(s.recent)-1])
	}
	if len(points) <= mostPoints {
		return points
	}
	const parts = mostPoints/2 - 1
	few := make([]point, 0, mostPoints)
	for i := range parts {
		few = spanOf(points[i*len(points)/parts : (i+1)*len(points)/parts]...).appendTo(few)
	}
	return withLast(few, points[len(points)-1])
}

// withLast appends the last point where it is not there.
func withLast(points []point, last point) []point {
	if len(points) == 0 || points[len(points)-1].tick < last.tick {
		points = append(points, last)
	}
	return points
}

func younger(points []point, tick int) []point {
	i, _ := slices.BinarySearchFunc(points, tick+1, func(p point, tick int) int { return p.tick - tick })
	return points[i:]
}

// number reads the text of a JSON number; ok is false for any other value.
func number(value []byte) (n float64, ok bool) {
	if len(value) == 0 || value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(value), 64)
	return n, err == nil
}
