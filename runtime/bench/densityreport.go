package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A DensityReport is what Density came to. Memory is in MiB: what the processes of a
// run, the supervisor with them, have resident that is no file's.
type DensityReport struct {
	Resident int     `json:"resident"` // of the parked ones, at a time
	Memory   int     `json:"memory"`   // that each agent was told to hold
	Rounds   int     `json:"rounds"`
	Claude   bool    `json:"claude"`
	Most     float64 `json:"most"` // that a run might take here
	Room     int     `json:"room"` // how many unparked agents that is, by the largest number measured
	Rows     []Dense `json:"rows"`
}

// A Dense is one size of the crowd.
type Dense struct {
	Agents   int     `json:"agents"`
	Parked   Crowded `json:"parked"`
	Unparked Crowded `json:"unparked"`
}

// A Crowded is what one crowd took.
type Crowded struct {
	Peak  float64 `json:"peak"`            // most memory
	Turn  float64 `json:"turn"`            // ms: of all after the first round, by agents and rounds
	Ended string  `json:"ended,omitempty"` // why there was not enough memory
}

// Print prints the report for people.
func (r *DensityReport) Print(w io.Writer) error {
	what := fmt.Sprintf("processes that hold %d MiB each", r.Memory)
	if r.Claude {
		what = "Claude Code, with a model that answers at once"
	}
	_, _ = fmt.Fprintf(w, "the agents: %s; %d rounds; parked: at most %d in memory at a time\n\n", what, r.Rounds, r.Resident)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "agents\tunparked: MiB\tms/turn\tparked: MiB\tms/turn\tMiB ratio\t")
	for _, x := range r.Rows {
		ratio := "-"
		if x.Parked.Ended == "" && x.Unparked.Ended == "" && x.Unparked.Peak > 0 {
			ratio = fmt.Sprintf("%.2f", x.Parked.Peak/x.Unparked.Peak)
		}
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t\n", x.Agents, x.Unparked.cells(), x.Parked.cells(), ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w)
	for _, x := range r.Rows {
		for _, c := range []struct{ which, why string }{{"unparked", x.Unparked.Ended}, {"parked", x.Parked.Ended}} {
			if c.why != "" {
				_, _ = fmt.Fprintf(w, "%d agents, %s: memory ends: %s of the %.0f MiB that there are for them\n", x.Agents, c.which, c.why, r.Most)
			}
		}
	}
	_, err := fmt.Fprintf(w, "memory ends here at about %d unparked agents, or at %.0f if each is given 1 GiB\n", r.Room, r.Most/1024)
	return err
}

func (c *Crowded) cells() string {
	if c.Ended != "" {
		return "-\t-"
	}
	return fmt.Sprintf("%s\t%s", number(c.Peak), number(c.Turn))
}
