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

// A curve is a column over time, in a room that does not grow: its newest points
// as they are, and all of it thinned evenly.
type curve struct {
	recent []point
	thin   []point
	total  int
	stride int // of the points, every so manyth is in thin
}

func (s *curve) clone() *curve {
	c := *s
	c.recent, c.thin = slices.Clone(s.recent), slices.Clone(s.thin)
	return &c
}

func (s *curve) add(p point) {
	if len(s.recent) == 2*mostPoints {
		s.recent = append(s.recent[:0], s.recent[mostPoints:]...)
	}
	s.recent = append(s.recent, p)
	s.stride = max(s.stride, 1)
	if s.total%s.stride == 0 {
		if len(s.thin) == 2*mostPoints {
			for i := range mostPoints {
				s.thin[i] = s.thin[2*i]
			}
			s.thin = s.thin[:mostPoints]
			s.stride *= 2
		}
		s.thin = append(s.thin, p)
	}
	s.total++
}

// after gives the points after a tick, thinned evenly where there are too many;
// the last one is among them.
func (s *curve) after(tick int) []point {
	points := younger(s.recent, tick)
	if len(points) == len(s.recent) && s.total > len(s.recent) {
		points = younger(s.thin, tick)
		if last := s.recent[len(s.recent)-1]; len(points) == 0 || points[len(points)-1].tick < last.tick {
			points = append(slices.Clip(points), last)
		}
	}
	if len(points) <= mostPoints {
		return points
	}
	even := make([]point, mostPoints)
	for i := range even {
		even[i] = points[i*(len(points)-1)/(mostPoints-1)]
	}
	return even
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
