package runtime

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/dashboards"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/workspace"
)

// leastRoom is how many bytes must be free for a host to open: a run's log can
// be made in less, but not much less.
const leastRoom = 64 << 10

// startupPatience is how long a host waits for a command that reads the same
// data directory.
const startupPatience = 10 * time.Second

// HostOptions say where a host is, and who may ask it.
type HostOptions struct {
	Data      string // the data directory; made where it is missing
	BusListen string // host:port where clients may connect to the bus; empty for nowhere
	Listen    string // host:port of the API, /metrics, /healthz and /readyz; empty for nowhere
	Tokens    string // directory of the API's tokens there; empty for those of the data directory
	Sync      bool   // a record is acknowledged once it is on the disk
	Log       *Log   // where it is told how runs go; nil for nowhere
	Command   string // what is run, for whoever finds the data directory held
}

// A Host is a supervisor: it holds a data directory, which has no other one
// meanwhile, and what the runs in it share, which are played side by side. Its
// methods may be called concurrently.
type Host struct {
	opts     HostOptions
	data     string // absolute
	bus      *bus.Bus
	store    *observe.Store
	measured *observe.Metrics // of the process; nil without Listen
	listener net.Listener     // where they are shown, and the API is answered; nil without
	link     string           // to that, with a token

	thrift   thrift
	ports    portBook
	claiming sync.Mutex // held while a name is looked for
	mu       sync.Mutex
	runs     map[string]*run // that are played, by name
	stops    []func()
}

// A role is what a host is for.
type role struct {
	onBus   bool                            // it listens on the bus in any case, for programs of this machine
	unready func() string                   // says why it is not ready, for whoever asks /readyz; nothing where it is
	server  observe.Server                  // takes runs; nil for nobody
	opened  func(ctx context.Context) error // waits until it knows what it is to play; nil for nothing
	waiting func() int                      // so many runs are queued; nil where none ever is
	busy    func() (done func())            // called at each request; nil for nobody
}

// openHost opens a host.
func openHost(o HostOptions, as role) (_ *Host, err error) {
	h := &Host{opts: o, runs: map[string]*run{}}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if h.data, err = filepath.Abs(o.Data); err != nil {
		return nil, fmt.Errorf("cannot use the data directory: %w", err)
	}
	release, err := workspace.AwaitData(h.data, workspace.Holder{PID: os.Getpid(), Command: o.Command, Since: time.Now()}, startupPatience)
	if err != nil {
		return nil, err
	}
	h.onStop(release) // last: whoever comes next finds all of it at rest
	if err := sweepScratch(context.Background(), h.data); err != nil {
		return nil, err
	}
	if h.opts.BusListen == "" && as.onBus {
		h.opts.BusListen = usual
	}
	h.bus, err = bus.Start(bus.Options{
		Dir: filepath.Join(h.data, "bus"), Listen: h.opts.BusListen, Room: leastRoom, SyncAlways: o.Sync, Log: o.Log.of("bus"),
	})
	if err != nil {
		return nil, err
	}
	h.onStop(h.bus.Close)
	h.store = &observe.Store{Data: h.data, Bus: h.bus, Live: h.live, Server: as.server, Opened: as.opened, Busy: as.busy}
	if err := h.listen(&as); err != nil {
		return nil, err
	}
	return h, h.control()
}

func (h *Host) onStop(f func()) { h.stops = append(h.stops, f) }

// Close stops answering and gives everything back. No run may be played any
// more.
func (h *Host) Close() {
	for i := len(h.stops) - 1; i >= 0; i-- {
		h.stops[i]()
	}
	h.stops = nil
}

// Addr is where the host listens; empty for nowhere.
func (h *Host) Addr() string {
	if h.listener == nil {
		return ""
	}
	return h.listener.Addr().String()
}

// Link leads a browser on this machine to where the host listens, with the token
// of who may do all; empty for nowhere.
func (h *Host) Link() string { return h.link }

// linkTo is Link, to what the page has of a run.
func (h *Host) linkTo(run string) string {
	if h.link == "" {
		return ""
	}
	return h.link + "&/run/" + run
}

// listen answers over TCP from here on: how this process is, its metrics, and the
// API to who has a token.
func (h *Host) listen(as *role) error {
	if h.opts.Listen == "" {
		return nil
	}
	l, err := observe.Listen(h.opts.Listen)
	if err != nil {
		return err
	}
	tokens, err := h.tokens()
	if err != nil {
		_ = l.Close()
		return err
	}
	page, err := dashboards.Page()
	if err != nil {
		_ = l.Close()
		return err
	}
	h.opts.Log.hideTokens(tokens)
	v := version()
	h.listener, h.measured, h.link = l, observe.NewMetrics(v.Version, v.Go), observe.Link(l.Addr(), tokens)
	h.measured.Data(h.data)
	h.measured.Bus(h.bus)
	h.store.Metrics = h.measured
	if as.waiting != nil {
		h.measured.Queue(as.waiting)
	}
	h.onStop(observe.ServeTCP(l, observe.Public{Runs: h.store, Tokens: tokens, Metrics: h.measured, Unready: as.unready, Page: page, Log: h.opts.Log.of("api")}))
	return nil
}

// tokens are those that requests over TCP prove their rights by.
func (h *Host) tokens() (*observe.Tokens, error) {
	if h.opts.Tokens != "" {
		return observe.ReadTokens(h.opts.Tokens)
	}
	return observe.MakeTokens(h.data)
}

// control answers the API from here on. No process that a run has started may
// ask.
func (h *Host) control() error {
	l, release, err := observe.ListenControl(h.data)
	if err != nil {
		return err
	}
	h.onStop(release)
	h.onStop(observe.Serve(observe.Outsiders(l), h.store))
	return nil
}

// run finds a run that is played, or is just being made or given back.
func (h *Host) run(name string) *run {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.runs[name]
}

// live finds a run that is played.
func (h *Host) live(name string) *observe.Live {
	r := h.run(name)
	if r == nil {
		return nil
	}
	if _, over := r.live.More(); over {
		return nil
	}
	return r.live
}

// enter has a run known by its name, until leave. Where one of that name is known
// already, it gives that one instead, and what is closed once it is known no more.
func (h *Host) enter(r *run) (leave func(), before *run, gone <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if before := h.runs[r.name]; before != nil {
		return nil, before, before.left
	}
	left := make(chan struct{})
	r.left = left
	h.runs[r.name] = r
	return func() {
		h.mu.Lock()
		delete(h.runs, r.name)
		h.mu.Unlock()
		close(left)
	}, nil, nil
}

// reenter is enter for a run that is there already: while it is still being made, or
// given back, that is waited for.
func (h *Host) reenter(r *run) (leave func(), err error) {
	for {
		leave, before, gone := h.enter(r)
		if before == nil {
			return leave, nil
		}
		if _, over := before.live.More(); !over && !before.live.Waits {
			return nil, fmt.Errorf("%w: %s", observe.ErrRunning, r.name)
		}
		<-gone
	}
}
