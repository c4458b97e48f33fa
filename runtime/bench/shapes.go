package bench

import (
	"context"
	goruntime "runtime"
	"time"
)

// of is the game of a size with the lab's child.
func (l *lab) of(s size) *game {
	return &game{agents: s.agents, ticks: s.ticks, messages: s.messages, durability: s.durability, isolation: s.isolation, program: l.child}
}

func perSecond(n int, took time.Duration) []float64 { return []float64{float64(n) / took.Seconds()} }

func floorSpawn(ctx context.Context, l *lab, s size) ([]float64, error) {
	g := l.of(s)
	goruntime.GC()
	f, took, err := startBare(ctx, bareOptions{program: g.program, agents: g.agents, args: g.args})
	if err != nil {
		return nil, err
	}
	f.stop()
	return perSecond(s.agents, took), nil
}

func troupeSpawn(ctx context.Context, l *lab, s size) ([]float64, error) {
	path, err := l.write(l.of(s))
	if err != nil {
		return nil, err
	}
	// Its directories stay until the lab closes: ext4 looks long for an inode
	// to use where many were freed in the last seconds.
	t, err := l.play(ctx, path)
	if err != nil {
		return nil, err
	}
	return perSecond(s.agents, t.ready), nil
}

// bare plays a game with the bare loop, after a tenth of it for nothing, and
// gives ticks a second.
func bare(ctx context.Context, g *game) (float64, error) {
	f, _, err := startBare(ctx, bareOptions{program: g.program, agents: g.agents, args: g.args, flood: g.flood, pin: true})
	if err != nil {
		return 0, err
	}
	defer f.stop()
	lines := g.lines()
	goruntime.GC()
	if _, err := f.play(lines, g.ticks/10+1); err != nil {
		return 0, err
	}
	took, err := f.play(lines, g.ticks)
	return float64(g.ticks) / took.Seconds(), err
}

// rate is what a game gives by itself: ticks a second, times a number.
func (l *lab) rate(ctx context.Context, g *game, times int) ([]float64, error) {
	t, err := l.game(ctx, g)
	if err != nil {
		return nil, err
	}
	return []float64{t.rate() * float64(times)}, nil
}

func floorTicks(ctx context.Context, l *lab, s size) ([]float64, error) {
	rate, err := bare(ctx, l.of(s))
	return []float64{rate}, err
}

func troupeTicks(ctx context.Context, l *lab, s size) ([]float64, error) {
	return l.rate(ctx, l.of(s), 1)
}

func troupeWorld(ctx context.Context, l *lab, s size) ([]float64, error) {
	g := l.of(s)
	g.process = true
	return l.rate(ctx, g, 1)
}

func floorPython(ctx context.Context, l *lab, s size) ([]float64, error) {
	g := l.of(s)
	g.program = l.python
	rate, err := bare(ctx, g)
	return []float64{rate}, err
}

func troupePython(ctx context.Context, l *lab, s size) ([]float64, error) {
	g := l.of(s)
	g.program = l.python
	return l.rate(ctx, g, 1)
}

func floorMessages(ctx context.Context, l *lab, s size) ([]float64, error) {
	rate, err := bare(ctx, l.of(s))
	return []float64{rate * float64(s.agents*s.messages)}, err
}

func troupeMessages(ctx context.Context, l *lab, s size) ([]float64, error) {
	return l.rate(ctx, l.of(s), s.agents*s.messages)
}

// together is the game of a size in shared processes.
func together(s size) *game {
	return &game{agents: s.agents, ticks: s.ticks, program: bot("echo"), shared: true}
}

func floorShared(ctx context.Context, _ *lab, s size) ([]float64, error) {
	g := together(s)
	shares := g.shares()
	goruntime.GC()
	took, err := shareBare(ctx, g.program, shares, s.ticks)
	return perSecond(s.agents*s.ticks, took), err
}

func troupeShared(ctx context.Context, l *lab, s size) ([]float64, error) {
	return l.rate(ctx, together(s), s.agents)
}
