package bench

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Parked agents take less than all at once, and what does not fit is not begun.
func TestDensity(t *testing.T) {
	o := UsualDensity()
	o.Agents, o.Resident, o.Memory = []int{2, 12}, 2, 16
	rep, err := Density(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Rows) != 2 {
		t.Fatalf("%+v", rep)
	}
	few, many := rep.Rows[0], rep.Rows[1]
	for _, c := range []Crowded{few.Parked, few.Unparked, many.Parked, many.Unparked} {
		if c.Ended != "" || c.Turn <= 0 {
			t.Errorf("%+v", c)
		}
	}
	if few.Unparked.Peak < 2*16 || many.Unparked.Peak < 12*16 || many.Parked.Peak < 16 || many.Parked.Peak >= many.Unparked.Peak {
		t.Errorf("the peaks are not those of what was held: %+v", rep.Rows)
	}
	o.Memory, o.Agents = 1<<30, []int{4} // a pebibyte each
	if rep, err = Density(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := rep.Print(&text); err != nil || !strings.Contains(text.String(), "4 agents, unparked: memory ends: they would take about") || rep.Room != 0 {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

// What grows beyond its share is stopped, and nothing of it stays.
func TestDensityStops(t *testing.T) {
	l, err := newLab(context.Background(), "go", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if l.close(&err); err != nil {
			t.Error(err)
		}
	}()
	o := UsualDensity()
	o.Memory, o.Rounds = 16, 1_000_000
	c := &crowd{DensityOptions: o, lab: l, most: 32 << 20, each: 1}
	got, err := c.one(context.Background(), 4, 4)
	if err != nil || !strings.HasPrefix(got.Ended, "stopped at ") {
		t.Errorf("%+v, %v", got, err)
	}
	if left := workingIn(l.dir, 0); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

func TestDensityOptions(t *testing.T) {
	for want, change := range map[string]func(*DensityOptions){
		"are no numbers of agents": func(o *DensityOptions) { o.Agents = []int{10, 0} },
		"0 residents are none":     func(o *DensityOptions) { o.Resident = 0 },
		"0 MiB are none":           func(o *DensityOptions) { o.Memory = 0 },
		"1 rounds are too few":     func(o *DensityOptions) { o.Rounds = 1 },
	} {
		o := UsualDensity()
		change(&o)
		if _, err := Density(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A control group's limit counts where it leaves less than the system has.
func TestGroupLeft(t *testing.T) {
	root := t.TempDir()
	inner := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(dir, file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(inner, "memory.max", "max\n")
	write(inner, "memory.current", "100\n")
	outer := filepath.Dir(inner)
	write(outer, "memory.max", "1000\n")
	write(outer, "memory.current", "700\n")
	write(outer, "memory.stat", "anon 500\ninactive_file 150\n")
	for below, want := range map[string]int64{"/a/b": 450, "/": 10_000, "/gone/from/here": 10_000} {
		if got := groupLeft(root, below, "memory.max", "memory.current", "inactive_file", 10_000); got != want {
			t.Errorf("%s: %d are left, want %d", below, got, want)
		}
	}
}
