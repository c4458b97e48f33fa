package record

import (
	"math"
	"time"
)

// A Latency counts the answers of one kind of agents by how long they took,
// from the observe to the answer.
type Latency struct {
	Kind  string
	Sum   time.Duration
	Count [len(LatencyEdges) + 1]int // [i] took at most LatencyEdges[i]; the last, longer
	// Fine counts them by narrower bounds: [i] took at most 2^((i+FineFirst)/FinePer) seconds,
	// and more than the one before allows. It is for who watches the run, and not
	// stored: of a record that was read it is empty.
	Fine [fineBuckets]uint32
}

// The bounds of Latency.Fine are those of a native histogram of Prometheus: FinePer of
// them, which is 2 to the power of FineSchema, from a second to two, and so on. The first one
// is about a microsecond, the last one above an hour.
const (
	FineSchema  = 3
	FinePer     = 1 << FineSchema
	FineFirst   = -20 * FinePer
	fineBuckets = 32*FinePer + 1
)

// LatencyEdges are the upper bounds that Latency counts by.
var LatencyEdges = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond,
	10 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute,
}

// Add counts one answer.
func (l *Latency) Add(took time.Duration) {
	i := 0
	for i < len(LatencyEdges) && took > LatencyEdges[i] {
		i++
	}
	l.Count[i]++
	l.Sum += took
	l.Fine[Fine(took)-FineFirst]++
}

// fineBounds are the bounds within a half to one.
var fineBounds = func() (b [FinePer]float64) {
	for i := range b {
		b[i] = math.Exp2(float64(i-FinePer+1) / FinePer)
	}
	return b
}()

// Fine is which of the bounds holds what took so long: FineFirst for the first.
func Fine(took time.Duration) int {
	part, power := math.Frexp(took.Seconds()) // part is from a half up to, and not including, one
	if part <= 0 {
		return FineFirst
	}
	if part == 0.5 { // itself the bound below
		part, power = 1, power-1
	}
	i := 0
	for part > fineBounds[i] {
		i++
	}
	return min(max((power-1)*FinePer+i+1, FineFirst), FineFirst+fineBuckets-1)
}
