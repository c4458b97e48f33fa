package bench

import (
	"context"
	"encoding/json"
	"math"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
)

// BenchmarkShapes is what troupe bench measures, for benchstat: the metrics are
// the figures, for the floor and for troupe. -bench 'Shapes/ticks/100/troupe'
// is one of them, and so is a profile of it.
func BenchmarkShapes(b *testing.B) {
	needLinux(b)
	for _, s := range shapes(nil, false) {
		b.Run(s.name()+"/floor", func(b *testing.B) { benchmark(b, s, s.floor) })
		b.Run(s.name()+"/troupe", func(b *testing.B) { benchmark(b, s, s.troupe) })
	}
}

func benchmark(b *testing.B, s shape, measure side) {
	ctx := context.Background()
	l, err := newLab(ctx, "", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if l.close(&err); err != nil {
			b.Fatal(err)
		}
	}()
	if s.python && l.python == nil {
		b.Skip("there is no python3")
	}
	got := make([][]float64, len(s.figures))
	for b.Loop() {
		var values []float64
		if values, err = measure(ctx, l, s.size); err != nil {
			b.Fatal(err)
		}
		for i, v := range values {
			got[i] = append(got[i], v)
		}
	}
	for i, f := range s.figures {
		b.ReportMetric(median(got[i]), strings.TrimPrefix(f.name+"-"+f.unit, "-"))
	}
	b.ReportMetric(0, "ns/op") // starting and stopping are in it
}

func needLinux(t testing.TB) {
	if goruntime.GOOS != "linux" {
		t.Skip("the floor is for Linux")
	}
}

// TestTable plays the whole table in its small sizes: every shape has figures
// on both sides, and a report can be printed and read.
func TestTable(t *testing.T) {
	needLinux(t)
	rep, err := Run(context.Background(), Options{Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, s := range shapes(nil, true) {
		want += len(s.figures)
	}
	if len(rep.Rows) != want || rep.Child == "" {
		t.Errorf("%d rows, want %d; the child is %q", len(rep.Rows), want, rep.Child)
	}
	for _, r := range rep.Rows {
		if r.Skipped == "" && (!(r.Ratio > 0) || math.IsInf(r.Ratio, 0) || r.Floor <= 0 || r.Troupe <= 0) || r.Unit == "" || r.Note == "" {
			t.Errorf("%+v", r)
		}
	}
	var text strings.Builder
	if err := rep.Print(&text); err != nil {
		t.Fatal(err)
	}
	for _, name := range Groups() {
		if !strings.Contains(text.String(), "\n"+name+": ") {
			t.Errorf("nothing about %s in\n%s", name, text.String())
		}
	}
	var back Report
	raw, err := json.Marshal(rep)
	if err == nil {
		err = json.Unmarshal(raw, &back)
	}
	if err != nil || !slices.Equal(back.Rows, rep.Rows) {
		t.Errorf("%v: %s", err, raw)
	}
}

// A context that ends is an end like any other for what was started.
func TestInterrupted(t *testing.T) {
	needLinux(t)
	for _, group := range Groups() {
		ctx, cancel := context.WithCancel(context.Background())
		o := Options{Quick: true, Only: []string{group}, Progress: func(string, int, int) { cancel() }}
		if rep, err := Run(ctx, o); rep != nil || err == nil || ctx.Err() == nil {
			t.Errorf("%s: got %v, %v", group, rep, err)
		}
		cancel()
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		Options
		says string
	}{
		{Options{Only: []string{"ticks", "speed"}}, `unknown shape "speed": they are spawn, walls, ticks,`},
		{Options{Child: "cobol"}, `unknown child "cobol": they are c, go, python`},
		{Options{Rounds: -1}, "-1 rounds"},
	} {
		if _, err := Run(context.Background(), c.Options); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: got %v, want %s", c.Options, err, c.says)
		}
	}
}

func TestRow(t *testing.T) {
	s := shape{group: &groups[0], size: size{agents: 7}}
	for _, c := range []struct {
		less          bool
		floor, troupe []float64
		ratio, spread float64
	}{
		{false, []float64{100, 90, 110}, []float64{50, 50, 50}, 0.5, 0.2},
		{true, []float64{10}, []float64{40}, 0.25, 0},
		{true, []float64{10, 10}, []float64{15, 25}, 0.5, 0.5},
		{false, []float64{0}, []float64{1}, 0, 0},
	} {
		r := newRow(s, figure{"p50", "µs", c.less}, c.floor, c.troupe)
		if r.Shape != "spawn/7 p50" || math.Abs(r.Ratio-c.ratio) > 1e-9 || math.Abs(r.Spread-c.spread) > 1e-9 {
			t.Errorf("%+v: got %+v", c, r)
		}
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.01234: "0.0123", 12.345: "12.3", 123.4: "123", 1234: "1,234", 1234567: "1,234,567"} {
		if got := number(x); got != want {
			t.Errorf("%v: got %s, want %s", x, got, want)
		}
	}
}
