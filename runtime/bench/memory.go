package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sampled is how often a process's memory is looked at.
const sampled = 5 * time.Millisecond

// peakMemory is the most memory, in bytes, that a process had resident since
// it began to execute its program; 0 where that is not known. (What the kernel
// tells of a dead child counts its parent's memory too, from before its exec.)
func peakMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// ourself is this binary with other arguments, to be stopped as people stop
// it. It is in a group of its own: Ctrl-C is for this process to pass on.
func ourself(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, self())
	cmd.Args = append([]string{"troupe"}, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// peakOfRun plays a game with troupe run and says how much memory that had.
func (l *lab) peakOfRun(ctx context.Context, g *game) (peak int64, err error) {
	path, err := l.write(g)
	if err != nil {
		return 0, err
	}
	data := filepath.Join(l.dir, "run")
	defer func() { _ = os.RemoveAll(data) }() // the lab's end says if it cannot be removed
	return runApart(ctx, path, data)
}

// runApart plays a scenario with troupe run and says how much memory that had.
func runApart(ctx context.Context, path, data string) (peak int64, err error) {
	cmd := ourself(ctx, "run", "--data", data, "--json", path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot start troupe run: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(sampled)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			peak = max(peak, peakMemory(cmd.Process.Pid))
		case err := <-done:
			if err != nil {
				return 0, fmt.Errorf("troupe run failed: %w\n%s", err, stderr.Bytes())
			}
			return peak, nil
		}
	}
}

// A holding is what Hold is asked for.
type holding struct {
	Agents, Messages, Ticks int
	Shared                  bool
	Words                   []string
	Env                     map[string]string
}

// Hold plays a game with the bare loop and prints how much memory, in bytes,
// this process had for it. The game is given as this package writes it for
// itself.
func Hold(ctx context.Context, text string, w io.Writer) error {
	var h holding
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return fmt.Errorf("cannot read what to hold: %w", err)
	}
	g := &game{agents: h.Agents, messages: h.Messages, ticks: h.Ticks, shared: h.Shared, program: &program{words: h.Words, env: h.Env}}
	var err error
	if g.shared {
		_, err = shareBare(ctx, g.program, g.shares(), g.ticks)
	} else {
		_, err = bare(ctx, g)
	}
	if err == nil {
		_, err = fmt.Fprintln(w, peakMemory(os.Getpid()))
	}
	return err
}

// peakOfBare plays a game with the bare loop, in a process of its own.
func (l *lab) peakOfBare(ctx context.Context, g *game) (int64, error) {
	text, err := json.Marshal(holding{g.agents, g.messages, g.ticks, g.shared, g.program.words, g.program.env})
	if err != nil {
		return 0, err
	}
	cmd := ourself(ctx, "bench", "hold", string(text))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("the bare loop failed: %w\n%s", err, stderr.Bytes())
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}

// growth is what each agent beyond those of a small game adds, in a unit of
// bytes, and the large one's memory in all, in MiB.
func growth(ctx context.Context, small, large *game, unit float64, peak func(context.Context, *game) (int64, error)) ([]float64, error) {
	little, err := peak(ctx, small)
	if err != nil {
		return nil, err
	}
	much, err := peak(ctx, large)
	if err != nil {
		return nil, err
	}
	// A page is the least that can be told apart.
	each := float64(max(much-little, int64(os.Getpagesize()))) / float64(large.agents-small.agents)
	return []float64{each / unit, float64(much) / (1 << 20)}, nil
}

// few is how many agents the small game has.
func few(g *game, n int) *game {
	small := *g
	small.agents = n
	return &small
}

func floorMemory(ctx context.Context, l *lab, s size) ([]float64, error) {
	return growth(ctx, few(l.of(s), 10), l.of(s), 1<<10, l.peakOfBare)
}

func troupeMemory(ctx context.Context, l *lab, s size) ([]float64, error) {
	return growth(ctx, few(l.of(s), 10), l.of(s), 1<<10, l.peakOfRun)
}

func floorMemoryShared(ctx context.Context, l *lab, s size) ([]float64, error) {
	return growth(ctx, few(together(s), 1000), together(s), 1, l.peakOfBare)
}

func troupeMemoryShared(ctx context.Context, l *lab, s size) ([]float64, error) {
	return growth(ctx, few(together(s), 1000), together(s), 1, l.peakOfRun)
}
