package supervisor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/socket"
	"github.com/troupe-dev/troupe/runtime/tree"
	"github.com/troupe-dev/troupe/workspace"
)

const (
	// mostRequests and mostRequestBytes bound what one agent asks for in a tick.
	mostRequests     = 1000
	mostRequestBytes = 32 << 20
)

// A desk is what a process's socket leads to. In lockstep its agents can ask
// between an observe and their answer to it alone, and see what was when the
// tick began, so that nothing depends on when they ask. While they are told
// their past they see what was then, and what they ask for is acknowledged and
// does nothing: the record has it.
type desk struct {
	fleet   *Fleet
	host    host
	process string
	only    string // the agent, where it is the only one
	texts   map[string]string
	secret  *redactor

	tenures tenures
	reads   reads
}

// A host is who has the agents. Its methods may be called concurrently.
type host interface {
	// present is what an agent sees that has an observe to answer.
	present(id string) (view, error)
	// stage takes a request of such an agent, and gives its position.
	stage(id string, x agent.Request) (position, tick int, err error)
	// observed is what such an agent has to answer, in a copy.
	observed(id string) (*agent.Observe, error)
	// hand takes the action of such an agent ahead of its answer, and gives the tick.
	hand(id string, a agent.Act) (tick int, err error)
	// recall finds a request of such an agent on record, nil where it is not there.
	recall(id string, x agent.Request) (*agent.Asked, error)
}

// A view is what is seen in a tick. A past one is told again. On record is one whose
// requests are.
type view struct {
	past     bool
	onRecord bool
	tick     int
	scene    *agent.Scene
	messages []agent.Message
}

// viewOf copies what the engine may change once the tick is over.
func viewOf(o *agent.Observe) view {
	return view{tick: o.Tick, scene: o.Scene, messages: cloneMessages(o.Messages)}
}

// errNoTurn says that an agent has nothing to answer.
type errNoTurn string

func (id errNoTurn) Error() string {
	return fmt.Sprintf("%s has no tick open: ask between an observation and the answer to it", string(id))
}

// view is what an agent sees that asks: under the realtime clock what is now,
// whether it is asked or not.
func (d *desk) view(id string) (view, error) {
	v, err := d.host.present(id)
	var idle errNoTurn
	if d.fleet.opts.Requests == nil || err != nil && !errors.As(err, &idle) || v.past {
		return v, err
	}
	if v.scene = d.fleet.opts.Requests.Scene(); v.scene == nil {
		return v, errNotBegun
	}
	return v, nil
}

var errNotBegun = errors.New("the run has not begun")

// staged are the requests of one agent in a tick.
type staged struct {
	list  []agent.Request
	kept  int // of them, those that came before an answer: a crash drops the others
	bytes int

	handed *agent.Act // the action that counts with the answer, in place of the answer's own; nil for none

	recalled int // so much of what the observe's past has was asked for again, or skipped
}

func (s *staged) add(x agent.Request) (position int, err error) {
	if len(s.list) >= mostRequests {
		return 0, fmt.Errorf("an agent may ask for %d things in a tick", mostRequests)
	}
	if s.bytes+x.Size() > mostRequestBytes {
		return 0, fmt.Errorf("what an agent asks for in a tick may take %d bytes", mostRequestBytes)
	}
	x.Position = len(s.list) + 1
	s.list = append(s.list, x)
	s.bytes += x.Size()
	return x.Position, nil
}

// crash drops what came since the last answer.
func (s *staged) crash() {
	if s == nil {
		return
	}
	for i := s.kept; i < len(s.list); i++ {
		s.bytes -= s.list[i].Size()
	}
	s.list, s.recalled, s.handed = s.list[:s.kept], 0, nil
	if s.kept > 0 {
		s.recalled = s.list[s.kept-1].Position
	}
}

// settle gives what counts with an answer. None does after a crash.
func (s *staged) settle(a *agent.Answer) {
	switch {
	case s == nil:
		return
	case a.Failure == agent.Crash || a.Failure == agent.Spawn:
		s.crash()
		return
	}
	s.kept, s.handed = len(s.list), nil
	a.Staged = slices.Clip(s.list)
}

// An op does what is asked.
type op func(ctx context.Context, d *desk, id string, r *socket.Request, reply func(*socket.Reply) error) error

// ops are what may be asked in every run, and treeOps what may in one with a
// shared tree, by its name.
var (
	ops = map[string]op{
		"brief":         tellBrief,
		"list_agents":   listAgents,
		"read_messages": readMessages,
		"observe":       tellObserve,
		agent.OpSend:    stageSend,
		"act":           handAct,
	}
	treeOps = map[string]op{
		"checkout":     checkout,
		"stat":         stat,
		"leases":       leasesOf,
		"renew":        renew,
		agent.OpCommit: stageCommit,
		agent.OpLock:   stageLock,
		agent.OpUnlock: stageUnlock,
	}
)

var errNoTree = errors.New("this run has no shared tree: a scenario has one that says shared")

// handle implements socket.Handler.
func (d *desk) handle(ctx context.Context, r *socket.Request, reply func(*socket.Reply) error) error {
	do := ops[r.Op]
	if on := treeOps[r.Op]; on != nil && d.fleet.opts.Shared == nil {
		return errNoTree
	} else if on != nil {
		do = on
	}
	if do == nil {
		known := slices.Concat(slices.Collect(maps.Keys(ops)), slices.Collect(maps.Keys(treeOps)))
		slices.Sort(known)
		return fmt.Errorf("unknown op %.80q: there are %s", r.Op, strings.Join(known, ", "))
	}
	id := r.Agent
	if id == "" {
		id = d.only
	}
	if id == "" {
		return errors.New("several agents share this process: say which one asks")
	}
	return do(ctx, d, id, r, reply)
}

// checkout sends the files at some paths and below, with their contents.
func checkout(_ context.Context, d *desk, id string, r *socket.Request, reply func(*socket.Reply) error) error {
	var given []*tree.File
	told := func(x *socket.Reply) error { // who has all may answer, and then the tick is over
		if x.File == nil {
			d.given(id, given)
		}
		return reply(x)
	}
	defer func() { d.given(id, given) }()
	return d.files(id, r, told, func(f *tree.File) (*socket.File, error) {
		content, err := d.fleet.opts.Shared.Content(f.Hash)
		if err != nil {
			return nil, err
		}
		given = append(given, f)
		out := &socket.File{File: *f}
		out.Text, out.Data = socket.Content(content)
		return out, nil
	})
}

// stat says the same without contents.
func stat(_ context.Context, d *desk, id string, r *socket.Request, reply func(*socket.Reply) error) error {
	return d.files(id, r, reply, func(f *tree.File) (*socket.File, error) { return &socket.File{File: *f}, nil })
}

// files sends a line for each file that its agent may read, and a last one with
// the paths under which there is none. Of these it says, without content, what
// was deleted.
func (d *desk) files(id string, r *socket.Request, reply func(*socket.Reply) error, make func(*tree.File) (*socket.File, error)) error {
	paths, err := pathsOf(r)
	if err != nil {
		return err
	}
	v, err := d.view(id)
	if err != nil {
		return err
	}
	t := v.scene.Tree
	end := socket.Reply{OK: true, Tick: v.tick, Version: version(t), Realtime: d.fleet.opts.AtOnce}
	for _, path := range paths {
		found := false
		for _, f := range t.Under(path) {
			if !t.MayRead(id, f.Path) {
				continue
			}
			found = true
			out, err := make(f)
			if err != nil {
				return err
			}
			if err := reply(&socket.Reply{File: out}); err != nil {
				return err
			}
		}
		if found || path == "" { // an empty tree is there, too
			continue
		}
		end.Missing = append(end.Missing, path)
		if f := t.File(path); f != nil && t.MayRead(id, path) {
			if err := reply(&socket.Reply{File: &socket.File{File: *f}}); err != nil {
				return err
			}
		}
	}
	return reply(&end)
}

func version(t *tree.Tree) *int {
	n := t.Version()
	return &n
}

// pathsOf are the paths of a request; "." is the whole tree.
func pathsOf(r *socket.Request) ([]string, error) {
	if len(r.Paths) == 0 || len(r.Paths) > tree.MaxPaths {
		return nil, fmt.Errorf("want 1 to %d paths, got %d", tree.MaxPaths, len(r.Paths))
	}
	paths := slices.Clone(r.Paths)
	for i, p := range paths {
		if p == "." {
			paths[i] = ""
			continue
		}
		if err := tree.CheckPath(p); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// leasesOf says what the agent holds and waits for.
func leasesOf(_ context.Context, d *desk, id string, _ *socket.Request, reply func(*socket.Reply) error) error {
	v, err := d.view(id)
	if err != nil {
		return err
	}
	return reply(&socket.Reply{OK: true, Tick: v.tick, Realtime: d.fleet.opts.AtOnce, Leases: v.scene.Tree.Leases(id), Waiting: v.scene.Tree.Waiting(id)})
}

func listAgents(_ context.Context, d *desk, id string, _ *socket.Request, reply func(*socket.Reply) error) error {
	v, err := d.view(id)
	if err != nil {
		return err
	}
	return reply(&socket.Reply{OK: true, Tick: v.tick, Agents: v.scene.AgentsFor(id)})
}

// readMessages sends those that came with the observation.
func readMessages(_ context.Context, d *desk, id string, _ *socket.Request, reply func(*socket.Reply) error) error {
	v, err := d.view(id)
	if err != nil {
		return err
	}
	for i := range v.messages {
		m := &v.messages[i]
		if err := reply(&socket.Reply{Inbox: &socket.Message{From: m.From, Channel: m.Channel, Body: m.Body}}); err != nil {
			return err
		}
	}
	return reply(&socket.Reply{OK: true, Tick: v.tick})
}

func stageCommit(ctx context.Context, d *desk, id string, r *socket.Request, reply func(*socket.Reply) error) error {
	x := agent.Request{Op: agent.OpCommit, Message: r.Message, Token: r.Token}
	if len(r.Message) > tree.MaxMessage {
		return fmt.Errorf("a commit's message may have %d bytes", tree.MaxMessage)
	}
	for i := range r.Files {
		change, err := r.Files[i].Change()
		if err != nil {
			return err
		}
		x.Changes = append(x.Changes, change)
	}
	slices.SortFunc(x.Changes, func(a, b tree.Change) int { return strings.Compare(a.Path, b.Path) })
	if err := tree.CheckChanges(x.Changes); err != nil {
		return err
	}
	return d.stage(ctx, id, x, reply)
}

func stageLock(ctx context.Context, d *desk, id string, r *socket.Request, reply func(*socket.Reply) error) error {
	paths, err := tree.CheckLease(r.Paths, r.TTL)
	switch {
	case err != nil:
		return err
	case d.fleet.opts.AtOnce && r.TTL > 0:
		return errors.New("under the realtime clock a lease lasts a time, not a number of ticks: say seconds")
	case !d.fleet.opts.AtOnce && r.Seconds != 0:
		return errors.New("in lockstep a lease lasts a number of ticks, not a time: say ttl")
	case !d.fleet.opts.AtOnce && r.Hold:
		return errors.New("in lockstep a lease is granted when the tick ends, which waits for the agent's answer, and belongs to the agent: ask for it with troupe lock PATH, see the results of the next observation, and end it with troupe unlock")
	}
	if d.fleet.opts.AtOnce {
		return d.lock(ctx, id, r, paths, reply)
	}
	return d.stage(ctx, id, agent.Request{Op: agent.OpLock, Paths: paths, TTL: r.TTL}, reply)
}

func stageUnlock(ctx context.Context, d *desk, id string, r *socket.Request, reply func(*socket.Reply) error) error {
	if len(r.Paths) > 0 {
		if _, err := tree.CheckLease(r.Paths, 0); err != nil {
			return err
		}
	}
	return d.stage(ctx, id, agent.Request{Op: agent.OpUnlock, Paths: r.Paths}, reply)
}

func stageSend(ctx context.Context, d *desk, id string, r *socket.Request, reply func(*socket.Reply) error) error {
	x := agent.Request{Op: agent.OpSend, Send: agent.Send{To: r.To, Channel: r.Channel, Body: []byte("null")}}
	if (r.To == "") == (r.Channel == "") {
		return errors.New("a message goes either to an agent or to a channel")
	}
	if len(r.Body) > 0 {
		body, err := agent.Compact(nil, r.Body)
		if err != nil {
			return fmt.Errorf("cannot send this body: %w", err)
		}
		x.Send.Body = body
	}
	return d.stage(ctx, id, x, reply)
}

func (d *desk) stage(ctx context.Context, id string, x agent.Request, reply func(*socket.Reply) error) error {
	x = d.secret.request(x)
	if d.fleet.opts.AtOnce {
		return d.atOnce(ctx, id, &x, reply)
	}
	position, tick, err := d.host.stage(id, x)
	if err != nil {
		return err
	}
	return reply(&socket.Reply{OK: true, Staged: position, Tick: tick})
}

// A deskSocket is a process's socket and what it leads to.
type deskSocket struct {
	*socket.Server
	desk *desk
}

// kin says which processes may use the socket of one, where there are walls and
// others have its user: that process, those that descend from it, and those of its
// session, which none can join. Of a program that nobody here has started, it is
// those that nobody here has. Nil is for all.
func (f *Fleet) kin(s *Spec, owner int) func(pid int) bool {
	if owner != os.Geteuid() || len(f.opts.Walls.Achieved().Tiers) == 0 {
		return nil
	}
	return func(pid int) bool {
		child, known := workspace.ChildAbove(pid)
		if child == 0 {
			return known && len(s.Command) == 0
		}
		return f.starter.whose(child) == s.ID || f.starter.whose(sessionOf(pid)) == s.ID
	}
}

// openSocket opens the process's socket, and what it reads of the shared tree
// directly.
func (f *Fleet) openSocket(s *Spec, w *workspace.Workspace, h host) (*deskSocket, error) {
	path, err := f.opts.Dir.Socket(s.ID)
	if err != nil {
		return nil, err
	}
	owner, err := w.Owner()
	if err != nil {
		return nil, err
	}
	if err := f.openView(s); err != nil {
		return nil, err
	}
	d := &desk{fleet: f, host: h, process: s.ID, texts: s.Texts, secret: newRedactor(s.Secrets)}
	if len(s.Agents) == 1 {
		d.only = s.Agents[0].Agent
	}
	server, err := socket.Listen(path, owner, f.kin(s, owner), d.handle)
	if err != nil {
		f.closeView(s.ID)
		return nil, err
	}
	return &deskSocket{server, d}, nil
}

func (f *Fleet) openView(s *Spec) error {
	if len(s.View) == 0 {
		return nil
	}
	agents := make([]string, len(s.Agents))
	for i := range s.Agents {
		agents[i] = s.Agents[i].Agent
	}
	_, err := f.opts.Shared.View(s.ID, agents, s.View)
	return err
}

func (f *Fleet) closeView(process string) {
	if f.opts.Shared != nil {
		f.opts.Shared.Unview(process)
	}
}

// closeSocket ends it in the background, since who asks may need what its owner
// holds.
func (f *Fleet) closeSocket(s *deskSocket) {
	if s != nil {
		f.wg.Go(func() {
			s.Close()
			s.desk.vacate()
			f.closeView(s.desk.process)
		})
	}
}
