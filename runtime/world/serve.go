package world

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
)

// Serve runs a world as a process of its own: it reads what the runtime says
// from in and answers on out, until in ends. Open makes the world from the
// scenario's config, a JSON object. Whatever the world writes to out itself
// would break the conversation; its log is standard error.
//
//	func main() {
//		err := world.Serve(context.Background(), os.Stdin, os.Stdout, func(config []byte) (world.World, error) {
//			return &myWorld{}, nil
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// An error of the world ends Serve. When ctx ends, Serve closes in if it is an
// io.Closer, and returns once a read from it does.
func Serve(ctx context.Context, in io.Reader, out io.Writer, open func(config []byte) (World, error)) error {
	if closer, ok := in.(io.Closer); ok {
		defer context.AfterFunc(ctx, func() { _ = closer.Close() })()
	}
	s := &server{open: open}
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		text, err := nextLine(r, nil, MaxLine)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, errLongLine) {
			return fmt.Errorf("cannot serve the world: a line is longer than %d bytes", MaxLine)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("cannot serve the world: %w", err)
		}
		answer, failed := s.hear(ctx, text)
		if failed != nil {
			return fmt.Errorf("cannot serve the world: %w", failed)
		}
		if len(answer) > 0 {
			if _, failed := out.Write(answer); failed != nil {
				return fmt.Errorf("cannot serve the world: %w", failed)
			}
		}
		if err != nil {
			return s.close(ctx)
		}
	}
}

// A server is a world in conversation.
type server struct {
	open  func(config []byte) (World, error)
	world World // nil before init
	out   []byte
}

// asks are the lines a world is sent. Others are ignored.
var asks = map[string]func(*server, context.Context, line) ([]byte, error){
	"init":     (*server).start,
	"step":     (*server).step,
	"snapshot": (*server).snapshot,
}

// hear answers one line.
func (s *server) hear(ctx context.Context, text []byte) ([]byte, error) {
	l, err := readLine(text)
	if errors.Is(err, errNoMessage) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	answer, ok := asks[l.kind]
	if !ok {
		return nil, nil
	}
	if (s.world == nil) != (l.kind == "init") {
		return nil, malformed(l.kind, "comes out of order: init comes first and once")
	}
	return answer(s, ctx, l)
}

func (s *server) start(ctx context.Context, l line) ([]byte, error) {
	init, err := decodeInit(l)
	if err != nil {
		return nil, err
	}
	w, err := s.open(init.Config)
	if err != nil {
		return nil, err
	}
	ready, err := w.Start(ctx, init)
	if err != nil {
		return nil, err
	}
	s.world = w
	_, snapshot := w.(Snapshotter)
	return appendReady(nil, ready, snapshot), nil
}

func (s *server) step(ctx context.Context, l line) ([]byte, error) {
	tick, actions, err := decodeStep(l)
	if err != nil {
		return nil, err
	}
	stepped, err := s.world.Step(ctx, tick, actions)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return appendRefused(nil, tick, refusal), nil
	}
	if err != nil {
		return nil, err
	}
	s.out = appendStepped(s.out[:0], stepped) // written before the next one
	return s.out, nil
}

func (s *server) snapshot(ctx context.Context, _ line) ([]byte, error) {
	w, ok := s.world.(Snapshotter)
	if !ok {
		return nil, errors.New("a snapshot is asked of a world that has none")
	}
	state, err := w.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return appendState(nil, state), nil
}

func (s *server) close(ctx context.Context) error {
	if w, ok := s.world.(Closer); ok {
		return w.Close(ctx)
	}
	return nil
}
