package observe

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// fakeProc makes a /proc of processes, by pid.
func fakeProc(t testing.TB, lines map[int]string) string {
	t.Helper()
	root := t.TempDir()
	for pid, line := range lines {
		dir := filepath.Join(root, fmt.Sprint(pid))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "stat"), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"self", "sys", "9x"} {
		if err := os.MkdirAll(filepath.Join(root, other), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// stat is a line of a process: its ticks are user, system and the children's.
func stat(pid, parent, group, session, ticks, start, pages int) string {
	return fmt.Sprintf("%d (a) b (c) S %d %d %d 0 -1 4194560 1 2 3 4 %d 1 1 1 20 0 1 0 %d 1000 %d 18446744073709551615 1 1\n",
		pid, parent, group, session, ticks-3, start, pages)
}

func TestParseStat(t *testing.T) {
	got, err := parseStat([]byte(stat(42, 7, 8, 9, 100, 555, 12)))
	if want := (procStat{pid: 42, parent: 7, group: 8, session: 9, cpu: 100, start: 555, memory: 12}); got != want || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	for _, bad := range []string{"", "42", "42 (a", ") (", "x (a) S 1 2 3", "42 (a) S 1 2 3",
		"42 (a) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 x 1000 9 0"} {
		if st, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, st)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(stat(42, 7, 8, 9, 100, 555, 12)))
	f.Add([]byte("1 ()) R 0"))
	f.Fuzz(func(_ *testing.T, line []byte) { _, _ = parseStat(line) })
}

// A tree is a process with its descendants, and those whose parents have ended
// as long as they stay in its group or session.
func TestTrees(t *testing.T) {
	all := []procStat{
		{pid: 1}, {pid: 10, parent: 1, group: 10}, // the supervisor
		{pid: 20, parent: 10, group: 20}, {pid: 21, parent: 20, group: 20}, {pid: 22, parent: 21, group: 22},
		{pid: 30, parent: 10, group: 30}, {pid: 31, parent: 10, group: 30}, {pid: 32, parent: 10, group: 32, session: 30},
		{pid: 40, parent: 41}, {pid: 41, parent: 40}, // as a pid that is used again may look
	}
	got := trees(all, func(pid int) bool { return pid == 20 || pid == 30 })
	if want := []int{0, 0, 20, 20, 20, 30, 30, 30, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What processes used is counted over restarts, and never less than before.
func TestSamples(t *testing.T) {
	page := os.Getpagesize()
	living := []Process{{ID: "ann", Agents: []string{"ann"}, State: "ready", PID: 20}, {ID: "bob-substitute", Agents: []string{"bob"}, State: "ready", PID: 30}}
	run := MeasuredRun{Name: "r1", Plan: market(), Processes: func() []Process { return living }}
	m := NewMetrics("v1", "go1")
	c := newFleetCollector(run, newNames(run.Plan))
	c.run.States = []string{"down", "ready"}
	m.reg.MustRegister(c)
	look := func(procs map[int]string, memory, cpu int) {
		t.Helper()
		c.proc = fakeProc(t, procs)
		isSeries(t, m, "troupe_process_memory_bytes",
			fmt.Sprintf(`troupe_process_memory_bytes{process="ann"} %d`, memory*page), fmt.Sprintf(`troupe_process_memory_bytes{process="bob"} %d`, 2*page),
			`troupe_process_memory_bytes{process="cell-p1"} 0`, `troupe_process_memory_bytes{process="rabbit-{n}"} 0`)
		isSeries(t, m, "troupe_process_cpu_seconds_total",
			fmt.Sprintf(`troupe_process_cpu_seconds_total{process="ann"} %d`, cpu), `troupe_process_cpu_seconds_total{process="bob"} 1`,
			`troupe_process_cpu_seconds_total{process="cell-p1"} 0`, `troupe_process_cpu_seconds_total{process="rabbit-{n}"} 0`)
	}
	bob := stat(30, 1, 30, 30, 100, 7, 2)
	look(map[int]string{20: stat(20, 1, 20, 20, 200, 5, 10), 21: stat(21, 20, 20, 20, 100, 6, 5), 30: bob, 99: stat(99, 1, 99, 99, 900, 8, 90)}, 15, 3)
	look(map[int]string{20: stat(20, 1, 20, 20, 300, 5, 10), 30: bob}, 10, 3) // 21 ended, waited for
	look(map[int]string{20: stat(20, 1, 20, 20, 200, 5, 10), 30: bob}, 10, 3) // less than before: not counted
	look(map[int]string{20: stat(20, 1, 20, 20, 400, 5, 10), 30: bob}, 10, 5)
	look(map[int]string{20: stat(20, 1, 20, 20, 100, 9, 10), 30: bob}, 10, 6) // another process of the same pid
	// The process has ended, and what it has started has not yet: it is not counted anew.
	look(map[int]string{20: stat(20, 1, 20, 20, 100, 9, 10), 21: stat(21, 20, 20, 20, 100, 9, 0), 30: bob}, 10, 7)
	look(map[int]string{21: stat(21, 1, 20, 20, 100, 9, 0), 30: bob}, 0, 7)
	look(map[int]string{20: stat(20, 1, 20, 20, 100, 11, 10), 30: bob}, 10, 8)
	// Nobody knows it for a moment.
	ann := living[0]
	living[0].PID = 0
	look(map[int]string{20: stat(20, 1, 20, 20, 100, 11, 10), 30: bob}, 0, 8)
	living[0] = ann
	look(map[int]string{20: stat(20, 1, 20, 20, 200, 11, 10), 30: bob}, 10, 9)
	isSeries(t, m, "troupe_agents", `troupe_agents{state="down"} 0`, `troupe_agents{state="ready"} 2`)
	living = nil
	c.proc = filepath.Join(t.TempDir(), "none")
	isSeries(t, m, "troupe_process_memory_bytes") // where there is no /proc
	isSeries(t, m, "troupe_agents", `troupe_agents{state="down"} 0`, `troupe_agents{state="ready"} 0`)
}

func BenchmarkScrapeOf1000Processes(b *testing.B) {
	p, procs := market(), map[int]string{}
	var living []Process
	for n := range 1000 {
		pid := 1000 + n
		procs[pid] = stat(pid, 1, pid, pid, 100, 5, 10)
		living = append(living, Process{ID: fmt.Sprintf("rabbit-%d", n+1), Agents: []string{"x"}, State: "ready", PID: pid})
	}
	m := NewMetrics("v1", "go1")
	c := newFleetCollector(MeasuredRun{Plan: p, States: []string{"ready"}, Processes: func() []Process { return living }}, newNames(p))
	c.proc = fakeProc(b, procs)
	m.reg.MustRegister(c)
	for b.Loop() {
		if _, err := m.reg.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
