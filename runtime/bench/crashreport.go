package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A CrashReport is what a crash test came to.
type CrashReport struct {
	Seed      uint64    `json:"seed"`
	Scenarios []Crashed `json:"scenarios"`
}

// Kills are counted by what was hit.
type Kills struct {
	Supervisor int `json:"supervisor"`
	Agent      int `json:"agent"` // or another process of the run, such as its world
	Both       int `json:"both"`
}

func (k *Kills) all() int { return k.Supervisor + k.Agent + k.Both }

func (k *Kills) add(supervisor, agent bool) {
	switch {
	case supervisor && agent:
		k.Both++
	case supervisor:
		k.Supervisor++
	case agent:
		k.Agent++
	}
}

// A Crashed is what came of one scenario.
type Crashed struct {
	Scenario  string   `json:"scenario"`
	Ticks     int      `json:"ticks"` // of the run in peace, as is the hash
	Hash      string   `json:"hash"`
	Runs      int      `json:"runs"` // that were killed until they ended
	Kills     Kills    `json:"kills"`
	Resumes   int      `json:"resumes"`
	Lost      int      `json:"ticks_lost"` // on record after a kill, and not the same after the next or at the end
	Doubled   int      `json:"ticks_doubled"`
	Processes int      `json:"processes_left"`
	Left      []string `json:"left"`    // processes and files
	Differs   []string `json:"differs"` // ends that are not the one in peace
	Seconds   float64  `json:"seconds"`
}

// Holds says whether the run ended each time as it does in peace, and nothing
// was lost or left.
func (c *Crashed) Holds() bool {
	return c.Lost == 0 && c.Doubled == 0 && len(c.Left) == 0 && len(c.Differs) == 0
}

// Holds says so of all scenarios.
func (r *CrashReport) Holds() bool {
	for i := range r.Scenarios {
		if !r.Scenarios[i].Holds() {
			return false
		}
	}
	return true
}

// Print prints the report for people.
func (r *CrashReport) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "scenario\tticks\truns\tkilled: supervisor\tagent\tboth\tresumed\tticks lost\tdoubled\tprocesses left\ts\t")
	for _, c := range r.Scenarios {
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t\n", c.Scenario, c.Ticks, c.Runs,
			c.Kills.Supervisor, c.Kills.Agent, c.Kills.Both, c.Resumes, c.Lost, c.Doubled, c.Processes, c.Seconds)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range r.Scenarios {
		if c.Holds() {
			_, _ = fmt.Fprintf(w, "%s: each ended with the hash of the run in peace, %s\n", c.Scenario, c.Hash)
		}
		for _, what := range c.Differs {
			_, _ = fmt.Fprintf(w, "%s: DIFFERS: %s; in peace after %d ticks with hash %s\n", c.Scenario, what, c.Ticks, c.Hash)
		}
		for _, what := range c.Left {
			_, _ = fmt.Fprintf(w, "%s: LEFT: %s\n", c.Scenario, what)
		}
	}
	_, err := fmt.Fprintf(w, "seed %d\n", r.Seed)
	return err
}
