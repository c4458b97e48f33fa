package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A Report is what one run of the bench came to.
type Report struct {
	Machine  Machine  `json:"machine"`
	Child    string   `json:"child"` // what the agents are, where no note says otherwise
	Rounds   int      `json:"rounds"`
	Rows     []Row    `json:"rows"`
	Warnings []string `json:"warnings"`
	Seconds  float64  `json:"seconds"` // that all of it took
}

// A Machine is what the figures were taken on.
type Machine struct {
	System string  `json:"system"`
	CPUs   int     `json:"cpus"`
	Go     string  `json:"go"`
	Load   float64 `json:"load"` // of the last minute, before the start
	Busy   float64 `json:"busy"` // share of the processors in use before the start, 0 to 1
}

// A Row is one figure beside its floor: medians over the rounds. Ratio is how
// much of the floor is reached, the higher the better for every unit; 1 is as
// good as the bare loop. Spread is how far the rounds are apart: the range of
// the worse of the two over its median.
type Row struct {
	Shape   string  `json:"shape"`
	Unit    string  `json:"unit"`
	Floor   float64 `json:"floor"`
	Troupe  float64 `json:"troupe"`
	Ratio   float64 `json:"ratio"`
	Spread  float64 `json:"spread"`
	Note    string  `json:"note"`
	Skipped string  `json:"skipped,omitempty"` // why there are no figures
}

// wide is a spread from which figures are not to be believed.
const wide = 0.3

func newRow(s shape, f figure, floor, troupe []float64) Row {
	r := Row{Shape: figureName(s, f), Unit: f.unit, Note: s.note, Floor: median(floor), Troupe: median(troupe)}
	r.Spread = max(spread(floor), spread(troupe))
	over, under := r.Troupe, r.Floor
	if f.less {
		over, under = under, over
	}
	if under > 0 {
		r.Ratio = over / under
	}
	return r
}

func figureName(s shape, f figure) string {
	if f.name == "" {
		return s.name()
	}
	return s.name() + " " + f.name
}

func skipped(s shape, why string) []Row {
	rows := make([]Row, len(s.figures))
	for i, f := range s.figures {
		rows[i] = Row{Shape: figureName(s, f), Unit: f.unit, Note: s.note, Skipped: why}
	}
	return rows
}

func (r *Report) add(rows []Row) {
	for _, row := range rows {
		if row.Spread > wide {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: the rounds are %.0f%% apart; is the machine busy?", row.Shape, 100*row.Spread))
		}
	}
	r.Rows = append(r.Rows, rows...)
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func spread(list []float64) float64 {
	m := median(list)
	if m == 0 {
		return 0
	}
	return (slices.Max(list) - slices.Min(list)) / m
}

// Print prints the report for people.
func (r *Report) Print(w io.Writer) error {
	m := r.Machine
	_, _ = fmt.Fprintf(w, "%s, %d processors, %s; load before the start %.2f\n", m.System, m.CPUs, m.Go, m.Load)
	_, _ = fmt.Fprintf(w, "the child: %s\nmedians of %d, floor and troupe by turns; ratio: the share of the floor that is reached\n\n", r.Child, r.Rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "shape\tfloor\ttroupe\tunit\tratio\tspread\t")
	for _, x := range r.Rows {
		if x.Skipped != "" {
			_, _ = fmt.Fprintf(t, "%s\t-\t-\t%s\t-\t-\t (%s)\n", x.Shape, x.Unit, x.Skipped)
			continue
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.2f\t%.0f%%\t\n", x.Shape, number(x.Floor), number(x.Troupe), x.Unit, x.Ratio, 100*x.Spread)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	r.printNotes(w)
	for _, text := range r.Warnings {
		_, _ = fmt.Fprintln(w, "WARNING:", text)
	}
	return nil
}

// printNotes says once for each group what it measures.
func (r *Report) printNotes(w io.Writer) {
	_, _ = fmt.Fprintln(w)
	last := ""
	for _, x := range r.Rows {
		if name, _, _ := strings.Cut(x.Shape, "/"); name != last {
			_, _ = fmt.Fprintf(w, "%s: %s\n", name, x.Note)
			last = name
		}
	}
}

// number writes three digits that count, and thousands apart.
func number(x float64) string {
	if x != 0 && math.Abs(x) < 100 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	digits := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
