package record

import (
	"math"
	"testing"
	"time"
)

// Each answer is counted by the narrowest bound that it does not pass.
func TestLatencyIsCountedFinely(t *testing.T) {
	bound := func(i int) float64 { return math.Exp2(float64(i+FineFirst) / FinePer) }
	for _, took := range []time.Duration{
		time.Nanosecond, time.Microsecond, 137 * time.Microsecond, time.Millisecond, 250 * time.Millisecond,
		time.Second/2 - 1, time.Second / 2, time.Second/2 + 1, time.Second, time.Second + 1, 3 * time.Second, time.Hour, 100 * time.Hour,
	} {
		l := Latency{}
		l.Add(took)
		at, n := -1, uint32(0)
		for i, c := range l.Fine {
			if n += c; c > 0 {
				at = i
			}
		}
		if n != 1 {
			t.Fatalf("%s is counted %d times", took, n)
		}
		if s := took.Seconds(); s > bound(at) && at < len(l.Fine)-1 || s <= bound(at-1) && at > 0 {
			t.Errorf("%s is counted as at most %v s, and more than %v", took, bound(at), bound(at-1))
		}
	}
}

func BenchmarkLatencyAdd(b *testing.B) {
	l := Latency{}
	for i := range b.N {
		l.Add(time.Duration(i&0xfffff) * 100)
	}
}
