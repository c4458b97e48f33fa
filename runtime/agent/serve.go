package agent

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// Serve makes the process an agent that answers by play, on stdin and stdout,
// until stdin ends. It may stand for any number of agents; one that needs
// memory of its own for each of them uses ServeEach. An error goes to stderr
// and ends the process with status 1.
func Serve(play func(o Observation) Reply) {
	ServeEach(func(Start) (Player, error) { return PlayerFunc(play), nil })
}

// ServeEach is Serve with a player made for each agent of the process.
func ServeEach(start func(s Start) (Player, error)) {
	if err := ServeOn(os.Stdin, os.Stdout, start); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// ServeOn holds the agents' side of the protocol on in and out until in ends.
// It answers each line before it waits for another, but writes the answers to
// lines that came together at once.
func ServeOn(in io.Reader, out io.Writer, start func(s Start) (Player, error)) error {
	const size = 64 << 10
	s := &server{
		in:    bufio.NewReaderSize(in, size),
		out:   bufio.NewWriterSize(out, size),
		start: start,
		seats: map[string]*seat{},
	}
	err := s.serve()
	return errors.Join(err, s.out.Flush())
}

// A server is the agents' end of one process's pipes.
type server struct {
	in    *bufio.Reader
	out   *bufio.Writer
	start func(s Start) (Player, error)
	seats map[string]*seat

	long []byte  // a line that is larger than in's buffer
	ask  Observe // used again for each observe
	line []byte  // the same, for each line written
}

// A seat is one agent of the process.
type seat struct {
	id     string
	player Player
	seed   uint64
	source *rand.PCG // what rand draws from
	rand   *rand.Rand
}

func (s *server) serve() error {
	for {
		line, err := s.read()
		if len(bytes.TrimSpace(line)) > 0 {
			if err := s.hear(line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read from the runtime: %w", err)
		}
		waiting, _ := s.in.Peek(s.in.Buffered())
		if bytes.IndexByte(waiting, '\n') >= 0 {
			continue
		}
		if err := s.out.Flush(); err != nil {
			return fmt.Errorf("cannot write to the runtime: %w", err)
		}
	}
}

// read returns a line, valid until the next read, and io.EOF with the last.
func (s *server) read() ([]byte, error) {
	line, err := s.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	s.long = append(s.long[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = s.in.ReadSlice('\n')
		s.long = append(s.long, line...)
	}
	return s.long, err
}

func (s *server) hear(line []byte) error {
	h, err := hear(line)
	if err != nil {
		return err
	}
	typ, _ := h.typ.str()
	switch typ {
	case "init":
		if _, err := s.sit(&h); err != nil {
			return err
		}
		s.line = append(AppendString(append(s.line[:0], `{"type":"ready","agent":`...), string(h.name())), '}', '\n')
		_, err = s.out.Write(s.line)
		return err
	case "observe":
		return s.observe(&h)
	case "snapshot":
		return s.snapshot(&h)
	case "stop":
		s.stop(&h)
	}
	return nil
}

// sit makes the player of an agent.
func (s *server) sit(h *heard) (*seat, error) {
	in := h.init()
	if in.Agent == "" {
		return nil, errors.New("cannot start an agent: the runtime's line does not name it")
	}
	at := &seat{id: in.Agent, seed: in.Seed, source: newSource(in.Seed)}
	at.rand = rand.New(at.source)
	err := at.resume(&in)
	if err != nil {
		return nil, fmt.Errorf("cannot start agent %s: %w", in.Agent, err)
	}
	if at.player, err = s.start(Start{Init: in, Rand: at.rand}); err != nil {
		return nil, fmt.Errorf("cannot start agent %s: %w", in.Agent, err)
	}
	s.seats[at.id] = at
	return at, nil
}

func (s *server) observe(h *heard) error {
	at := s.seats[string(h.name())]
	if at == nil {
		if len(h.seed.text) == 0 {
			return fmt.Errorf("cannot answer for agent %q: it had no init", h.name())
		}
		var err error // a process per turn: the line brings what init would
		if at, err = s.sit(h); err != nil {
			return err
		}
	}
	if err := h.observe(&s.ask); err != nil {
		return err
	}
	s.ask.Agent = at.id
	reply := at.player.Play(Observation{Observe: s.ask, Rand: at.rand})
	if reply.err != nil {
		return reply.err
	}
	reply.act.Agent, reply.act.Tick = at.id, s.ask.Tick
	s.line = AppendAct(s.line[:0], &reply.act)
	_, err := s.out.Write(s.line)
	return err
}

func (s *server) snapshot(h *heard) error {
	at := s.seats[string(h.name())]
	if at == nil {
		return fmt.Errorf("cannot tell the state of agent %q: it had no init", h.name())
	}
	s.line = append(AppendString(append(s.line[:0], `{"type":"state","agent":`...), at.id), `,"state":`...)
	line, err := at.keep(s.line)
	if err != nil {
		return fmt.Errorf("cannot tell the state of agent %s: %w", at.id, err)
	}
	line = append(line, '}', '\n')
	s.line = line
	_, err = s.out.Write(line)
	return err
}

func (s *server) stop(h *heard) {
	at := s.seats[string(h.name())]
	if at == nil {
		return
	}
	delete(s.seats, at.id)
	if stopper, ok := at.player.(Stopper); ok {
		reason, _ := h.reason.str()
		stopper.Stop(reason)
	}
}
