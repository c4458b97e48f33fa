package observe

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// TestRace: a whole frame tells how the scores of those who lead came about, by few
// ticks that are evenly apart, however long the run is and however many play.
func TestRace(t *testing.T) {
	for _, agents := range []int{3, 40, 3000} {
		t.Run(fmt.Sprint(agents), func(t *testing.T) {
			p := plan.Plan{View: plan.View{Race: true}}
			by := newPicture(&p)
			ticks := 600_000 / max(agents, 300)
			for n := range ticks {
				r := &record.Record{Tick: n}
				for i := range agents {
					if i != 2 || n >= ticks/2 { // who comes later
						r.Scores = append(r.Scores, record.Score{Agent: fmt.Sprintf("a-%04d", i), Value: fmt.Append(nil, n*(i+1))})
					}
				}
				by.add(r, [record.HashSize]byte{})
				if len(by.race.laps) > mostLaps || by.race.size() > 10*lapScores {
					t.Fatalf("it grows: %d ticks, %d bytes", len(by.race.laps), by.race.size())
				}
			}
			var f toldFrame
			if err := json.Unmarshal(by.appendFrame(nil, -1), &f); err != nil {
				t.Fatal(err)
			}
			if len(f.Race) != min(agents, mostLeaders) {
				t.Errorf("there are %d of %d", len(f.Race), agents)
			}
			for i := max(0, agents-mostLeaders); i < agents; i++ {
				heldToRace(t, f.Race[fmt.Sprintf("a-%04d", i)], i, ticks, map[bool]int{i == 2: ticks / 2}[true])
			}
			var difference struct{ Race json.RawMessage }
			if err := json.Unmarshal(by.appendFrame(nil, ticks-2), &difference); err != nil || difference.Race != nil {
				t.Errorf("a difference tells it too: %s, %v", difference.Race, err)
			}
		})
	}
}

// heldToRace looks at the points of the agent that gains i+1 in each tick and has a
// score from a tick on.
func heldToRace(t *testing.T, points [][2]float64, i, ticks, from int) {
	t.Helper()
	if len(points) < 10 {
		t.Fatalf("agent %d has %d points", i, len(points))
	}
	gap := points[1][0] - points[0][0]
	for n, x := range points {
		if x[1] != x[0]*float64(i+1) {
			t.Fatalf("agent %d has the point %v", i, x)
		}
		if n > 0 && n < len(points)-1 && x[0]-points[n-1][0] != gap {
			t.Fatalf("agent %d: %v after %v, where others are %v apart", i, x, points[n-1], gap)
		}
	}
	if first := points[0][0]; first < float64(from) || first >= float64(from)+gap {
		t.Errorf("agent %d begins at %v, not at %d", i, first, from)
	}
	if last := points[len(points)-1][0]; last != float64(ticks-1) {
		t.Errorf("agent %d ends at %v", i, last)
	}
}
