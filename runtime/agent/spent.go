package agent

import (
	"fmt"
	"time"
)

// Spent is the time that something has taken in a run: an agent's processes with
// all that they started, or the run.
type Spent struct{ CPU, Wall time.Duration }

const spentText = "cpu %s wall %s"

// String is how facts tell it, to the millisecond.
func (s Spent) String() string {
	return fmt.Sprintf(spentText, s.CPU.Round(time.Millisecond), s.Wall.Round(time.Millisecond))
}

// ParseSpent reads what String wrote; nothing was spent where it is anything else.
func ParseSpent(text string) (s Spent) {
	var cpu, wall string
	if _, err := fmt.Sscanf(text, spentText, &cpu, &wall); err == nil {
		s.CPU, _ = time.ParseDuration(cpu)
		s.Wall, _ = time.ParseDuration(wall)
	}
	return s
}

// spentShare is how often what was spent is put on record: after each such part of
// the limit.
const spentShare = 50

// Due says whether so much more than told is to be put on record, where most are
// the limits, 0 for none.
func (s Spent) Due(told, most Spent) bool {
	return most.CPU > 0 && s.CPU-told.CPU >= most.CPU/spentShare || most.Wall > 0 && s.Wall-told.Wall >= most.Wall/spentShare
}
