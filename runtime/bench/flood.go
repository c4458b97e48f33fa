package bench

import "context"

// What a child can be told to do from its first observe on, beside answering.
const (
	quiet       = "none"
	floodLog    = "log"    // lines on stderr
	floodStdout = "stdout" // lines on stdout that are none of the protocol
	floodBusy   = "busy"   // it computes and writes nothing
	floodMemory = "memory" // it takes memory, up to 256 MiB
)

// floodMessages is the flood of a child that is asked for manyMessages.
const floodMessages = "messages"

// manyMessages make an act, and the observe that they come with, just shorter
// than a line may be.
const manyMessages = 30_000

// flooding is the game of a size with its flood.
func (l *lab) flooding(s size) *game {
	g := l.of(s)
	g.flood = s.flood
	return g
}

// fair is a game in which the first agent takes what it may take: a processor,
// where the kernel gives it one, or its part of the messages.
func (l *lab) fair(s size) *game {
	g := l.of(s)
	if s.flood == floodMessages {
		g.messages = manyMessages / s.agents
	} else {
		g.flood = floodBusy
	}
	return g
}

func floorFlood(ctx context.Context, l *lab, s size) ([]float64, error) {
	rate, err := bare(ctx, l.flooding(s))
	if err != nil {
		return nil, err
	}
	fair, err := l.rate(ctx, l.fair(s), 1)
	return append([]float64{rate}, fair...), err
}

func troupeFlood(ctx context.Context, l *lab, s size) ([]float64, error) {
	rate, err := l.rate(ctx, l.flooding(s), 1)
	return append(rate, rate...), err
}
