package runtime

import (
	"fmt"
	"hash/fnv"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/supervisor"
)

// Ports that agents serve are chosen from these: below those that systems give
// out by themselves to whoever asks for any, so that nobody is given one while its
// agent is away.
const (
	firstPort = 20_000
	afterPort = 32_768
)

// A portBook knows which ports the runs of a host have.
type portBook struct {
	mu    sync.Mutex
	taken map[int]bool
}

// choose takes a free port of this machine, the same one for the same name where
// that is free.
func (b *portBook) choose(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	const all = afterPort - firstPort
	for n := range all {
		port := firstPort + (int(h.Sum32()%all)+n)%all
		if !b.taken[port] && isFree(port) {
			if b.taken == nil {
				b.taken = map[int]bool{}
			}
			b.taken[port] = true
			return port
		}
	}
	return 0
}

func (b *portBook) giveBack(ports map[string]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range ports {
		delete(b.taken, p)
	}
}

// isFree says whether nobody listens at a port, of whatever address.
func isFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// ports are those that the agents of one run serve. They keep theirs over restarts
// and parking, and where it can be had when the run is resumed. The methods may be
// called concurrently.
type ports struct {
	book *portBook

	mu    sync.Mutex
	by    map[string]int // by process
	fleet *supervisor.Fleet
}

func newPorts(book *portBook) *ports { return &ports{book: book, by: map[string]int{}} }

// close gives all back. Their processes are gone.
func (p *ports) close() { p.book.giveBack(p.by) }

// of is the port of a run's process, 0 where there is none to be had.
func (p *ports) of(run, process string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	port, known := p.by[process]
	if !known {
		port = p.book.choose(run + "/" + process)
		p.by[process] = port
	}
	return port
}

// open lets the ports be asked for, once there is a fleet.
func (p *ports) open(f *supervisor.Fleet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fleet = f
}

// away says of the states in which a process is not there, what it is then: its
// port may be anybody's.
var away = map[supervisor.State]string{
	supervisor.Parking: "is parked", supervisor.Parked: "is parked: it comes back when it is asked",
	supervisor.Down: "is not there now", supervisor.Backoff: "is started again",
}

// Port implements observe.Served.
func (p *ports) Port(agent string) (int, error) {
	p.mu.Lock()
	f := p.fleet
	p.mu.Unlock()
	if f == nil {
		return 0, fmt.Errorf("%w: the run is starting", observe.ErrConflict)
	}
	for _, s := range f.Statuses() {
		if !slices.Contains(s.Agents, agent) {
			continue
		}
		p.mu.Lock()
		port := p.by[s.ID]
		p.mu.Unlock()
		switch why := away[s.State]; {
		case port == 0:
			return 0, fmt.Errorf("%w: %s has no serves: true in its scenario", observe.ErrNotServed, agent)
		case why != "":
			return 0, fmt.Errorf("%w: %s %s", observe.ErrConflict, agent, why)
		case s.PID != 0:
			return port, nil
		}
	}
	return 0, fmt.Errorf("%w: %s is no agent, or has ended", observe.ErrNotServed, agent)
}
