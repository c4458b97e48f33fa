package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/plan"
)

// DensityOptions say how dense it gets.
type DensityOptions struct {
	Agents   []int // sizes of the crowd, each measured twice
	Resident int   // how many of the parked ones are in memory at a time
	Memory   int   // MiB that each agent has in memory
	Rounds   int   // in each of which all agents are asked
	// Claude has Claude Code from PATH be the agents, with a model that answers at
	// once and costs nothing, in place of processes of this binary; then Memory
	// is only what is reckoned with before any was measured.
	Claude bool
	Share  float64 // of the memory that is available, which is never exceeded
	// Progress, if given, is told what is being measured.
	Progress func(what string, n, of int)
}

// UsualDensity is what is measured where nothing else is said. The memory is about
// half of what a command line tool of a model has for itself.
func UsualDensity() DensityOptions {
	return DensityOptions{Agents: []int{10, 100, 1000}, Resident: 4, Memory: 64, Rounds: 3, Share: 0.6}
}

// Check says what is wrong with the options.
func (o *DensityOptions) Check() error {
	switch {
	case len(o.Agents) == 0 || slices.Min(o.Agents) < 1:
		return fmt.Errorf("%v are no numbers of agents", o.Agents)
	case o.Resident < 1:
		return fmt.Errorf("%d residents are none", o.Resident)
	case o.Memory < 1:
		return fmt.Errorf("%d MiB are none", o.Memory)
	case o.Rounds < 2:
		return fmt.Errorf("%d rounds are too few: the first one has the start in it", o.Rounds)
	}
	return nil
}

// reckoned is what an agent is thought to take beside its Memory before one was
// measured, in bytes.
const reckoned = 16 << 20

// seen is how long all agents are there together at least, where none is parked.
const seen = 20 * sampled

// keyName is the file of the key to a model that wants none.
const keyName = "key"

// A crowd measures density in a directory of its own.
type crowd struct {
	DensityOptions
	*lab
	model *standIn // of Claude
	most  int64    // bytes that all may take
	each  int64    // that an agent takes which is not parked
}

// Density measures how much memory agents take, and how long a turn: those that
// are parked between their turns beside those that are not, which come to an end
// where the memory does. A context that ends stops it; no process and no file of it
// is left then.
func Density(ctx context.Context, o DensityOptions) (rep *DensityReport, err error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if goruntime.GOOS != "linux" {
		return nil, errors.New("density needs Linux: memory is read from /proc")
	}
	if o.Claude {
		if _, err := exec.LookPath("claude"); err != nil {
			return nil, fmt.Errorf("cannot measure Claude Code: %w", err)
		}
	}
	l, err := newLab(ctx, "go", nil)
	if err != nil {
		return nil, err
	}
	defer l.close(&err)
	c := &crowd{DensityOptions: o, lab: l, most: int64(o.Share * float64(memoryLeft())), each: int64(o.Memory)<<20 + reckoned}
	if o.Claude {
		if c.model, err = newStandIn(`{"action":{"say":"here"}}`, 5); err != nil {
			return nil, err
		}
		defer c.model.close()
		if err := os.WriteFile(filepath.Join(l.dir, keyName), []byte("none"), 0o600); err != nil {
			return nil, fmt.Errorf("cannot write a key: %w", err)
		}
	}
	rep = &DensityReport{Resident: o.Resident, Memory: o.Memory, Rounds: o.Rounds, Claude: o.Claude, Most: mebibytes(c.most), Rows: []Dense{}}
	for i, n := range o.Agents {
		if o.Progress != nil {
			o.Progress(fmt.Sprintf("%d agents", n), i+1, len(o.Agents))
		}
		row, err := c.row(ctx, n)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("cannot measure %d agents: %w", n, err)
		}
		rep.Rows = append(rep.Rows, row)
	}
	rep.Room = int(c.most / c.each)
	return rep, nil
}

// row measures one size. The unparked come first: they tell what one takes.
func (c *crowd) row(ctx context.Context, n int) (row Dense, err error) {
	row.Agents = n
	if row.Unparked, err = c.one(ctx, n, n); err == nil {
		if row.Unparked.Ended == "" {
			c.each = max(int64(row.Unparked.Peak*(1<<20))/int64(n), 1)
		}
		row.Parked, err = c.one(ctx, n, min(c.Resident, n))
	}
	return row, err
}

// one measures a crowd of which so many are in memory at a time.
func (c *crowd) one(ctx context.Context, n, resident int) (f Crowded, err error) {
	if want := c.each * int64(resident); want > c.most {
		f.Ended = fmt.Sprintf("they would take about %.0f MiB", mebibytes(want))
		return f, nil
	}
	path := filepath.Join(c.dir, "scenario.yaml")
	text, err := json.Marshal(c.scenario(n, resident))
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return f, fmt.Errorf("cannot write a scenario: %w", err)
	}
	t := &trace{data: filepath.Join(c.dir, "run")}
	defer func() { err = errors.Join(err, t.forget()) }()
	peak, over, err := c.play(ctx, path, t.data)
	f.Peak = mebibytes(peak)
	switch {
	case over:
		f.Ended = fmt.Sprintf("stopped at %.0f MiB", f.Peak)
		return f, nil
	case err != nil:
		return f, err
	}
	if err := c.recall(ctx, t, path); err != nil {
		return f, err
	}
	last := len(t.ticks) - 1
	if last < 1 {
		return f, fmt.Errorf("it had %d ticks", len(t.ticks))
	}
	f.Turn = t.ticks[last].Sub(t.ticks[0]).Seconds() * 1000 / float64(last*n)
	return f, nil
}

// play plays a scenario with troupe run, and stops it where it takes too much: over
// says so.
func (c *crowd) play(ctx context.Context, path, data string) (peak int64, over bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := ourself(ctx, "run", "--data", data, "--json", path)
	cmd.WaitDelay = time.Minute // many have to end
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return 0, false, fmt.Errorf("cannot start troupe run: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(5 * sampled)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if peak = max(peak, treeMemory(cmd.Process.Pid)); peak > c.most && !over {
				over = true
				cancel()
			}
		case err := <-done:
			if err != nil && !over {
				err = fmt.Errorf("troupe run failed: %w\n%s", err, stderr.Bytes())
			}
			return peak, over, err
		}
	}
}

// scenario is a crowd's, in JSON, which is YAML.
func (c *crowd) scenario(n, resident int) any {
	first := seen
	if resident < n { // they come one after the other, again and again
		first = 0
	}
	entry := map[string]any{"id": "a-{n}", "replicas": n, "command": []string{"troupe", "bench", "child", tenantWord, fmt.Sprint(c.Memory), first.String()}}
	all := map[string]any{"name": "density", "clock": map[string]any{"ticks": c.Rounds, "deadline": "10m"}}
	all["world"] = map[string]any{"kind": "conversation", "config": map[string]any{"rounds": maxTicks, "topic": topic}}
	limits := map[string]any{}
	if c.Claude {
		delete(entry, "command")
		entry["kind"], entry["model"], entry["flags"] = "claude", benchModel, []string{"--tools", ""}
		entry["system"] = map[string]string{"text": "You are one of many."}
		all["secrets"] = map[string]any{"ANTHROPIC_API_KEY": map[string]string{"file": filepath.Join(c.dir, keyName)}}
		all["gateway"] = map[string]any{"anthropic": map[string]string{"url": c.model.url}}
		limits["usd"] = "none"
	} else {
		all["isolation"] = "none"
	}
	if resident < n {
		entry["lifecycle"] = map[string]string{"mode": plan.Hybrid}
		limits["resident"] = resident
	}
	all["agents"], all["limits"] = []any{entry}, limits
	return all
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
