package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/gateway"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/scenarios"
	"github.com/troupe-dev/troupe/workspace"
)

// A gate is the model gateway of a run at an address of its own.
type gate struct {
	plan    *plan.Plan
	dir     workspace.Run
	gateway *gateway.Gateway
	budgets *gateway.Budgets
	past    *gateway.Past
	address string
	port    int

	metrics atomic.Pointer[observe.RunMetrics] // nil for none

	mu       sync.Mutex
	bills    map[string]*supervisor.Bill // by agent
	spent    map[string]agent.USD        // before, by agent
	enrolled map[string]bool
}

// headerPatience is how long a client of the gateway may take over a request's
// header.
const headerPatience = 30 * time.Second

// openGate opens the gateway of a run whose agents go through it; without such, it
// gives none.
func (r *run) openGate(o gateway.Options) (*gate, error) {
	if r.plan.Gateway == nil {
		return nil, nil
	}
	prices, err := r.plan.Gateway.Table()
	if err != nil {
		return nil, err
	}
	g := &gate{
		plan: r.plan, dir: r.dir, budgets: gateway.NewBudgets(), past: o.Past,
		bills: map[string]*supervisor.Bill{}, spent: map[string]agent.USD{}, enrolled: map[string]bool{},
	}
	o.Prices, o.Budgets, o.Turn, o.Used, o.Refused, o.Wait, o.Log = prices, g.budgets, g.turn, g.used, g.refused, g.wait, g.log
	o.Ended, o.Retried = g.ended, g.retried
	if g.gateway, err = gateway.New(o); err != nil {
		return nil, fmt.Errorf("cannot open the model gateway: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot open the model gateway: %w", err)
	}
	g.address, g.port = l.Addr().String(), l.Addr().(*net.TCPAddr).Port
	server := &http.Server{Handler: g.gateway, ReadHeaderTimeout: headerPatience}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(l) })
	r.onStop(func() {
		_ = server.Close()
		g.gateway.Close()
		wg.Wait()
	})
	return g, nil
}

// liveGate opens the gateway of a run that is played, which goes on with what its
// models have answered already.
func (r *run) liveGate(ctx context.Context) (*gate, error) {
	if r.plan.Gateway == nil {
		return nil, nil
	}
	o, err := r.answers()
	if err != nil {
		return nil, err
	}
	for _, u := range r.plan.Gateway.Upstreams {
		o.Upstreams = append(o.Upstreams, gateway.Upstream{
			API: u.API, URL: u.URL, Key: r.secrets[u.Key], Most: u.Concurrency, Tries: u.Tries, First: u.FirstByte, Idle: u.Idle,
		})
	}
	next, _, _ := r.log.Last()
	next++
	spent := map[string]agent.USD{}
	if r.plan.Gateway.Record {
		if o.Exchanges, err = gateway.OpenExchanges(r.dir.Gateway(), r.plan.Durability == plan.DurableMachine); err != nil {
			return nil, err
		}
		r.onStop(func() { _ = o.Exchanges.Close() })
		err = o.Past.Resume(r.dir.Gateway(), next, func(id string) int {
			if r.retold(id) {
				return 0
			}
			return next
		})
		if err == nil {
			err = gateway.ReadExchanges(r.dir.Gateway(), func(e *gateway.Exchange) error { spent[e.Agent] += e.USD; return nil })
		}
		if err != nil {
			return nil, err
		}
	}
	if !r.plan.Gateway.Record { // the log has what ended with a tick
		err = r.log.Read(ctx, 0, func(rec *record.Record, _ [record.HashSize]byte) error {
			for i := range rec.Annex.Usages {
				spent[rec.Annex.Usages[i].Agent] += rec.Annex.Usages[i].USD
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	g, err := r.openGate(o)
	if err == nil {
		g.spent = spent
		for _, id := range slices.Sorted(maps.Keys(spent)) { // of those that are gone, too
			g.enroll(id)
		}
	}
	return g, err
}

// retold says whether an agent's next process is told its past, and may ask its
// model what it has asked in it.
func (r *run) retold(id string) bool {
	a, ok := r.plan.Agent(id)
	if !ok {
		return true // it came later: more than is needed does no harm
	}
	return reobserves(r.plan.Entries[a.Entry].State)
}

func reobserves(state string) bool { return state == "reobserve" || state == "snapshot" }

// enroll has an agent's requests count in the budgets of the run and of its teams.
func (g *gate) enroll(id string) {
	if g.enrolled[id] {
		return
	}
	g.enrolled[id] = true
	in := []gateway.Budget{{Name: "limits.usd", USD: g.plan.Limits.USD}}
	for _, b := range g.plan.Gateway.Budgets {
		if slices.ContainsFunc(b.Agents, func(p string) bool { return scenarios.Match(p, id) }) {
			in = append(in, gateway.Budget{Name: "gateway.budgets." + b.Name, USD: b.USD})
		}
	}
	g.budgets.Enroll(id, g.spent[id], in...)
}

// admit lets the agent of a process through to some APIs. Most is what it may cost;
// 0 for no bound.
func (g *gate) admit(s *supervisor.Spec, apis []string, most agent.USD) {
	if g == nil || len(apis) == 0 {
		return
	}
	id := s.Agents[0].Agent
	bill := &supervisor.Bill{Starting: func() { g.gateway.Started(id) }}
	g.mu.Lock()
	g.bills[id] = bill
	if first := !g.enrolled[id+" alone"]; first {
		g.enrolled[id+" alone"] = true
		g.budgets.Enroll(id, g.spent[id], gateway.Budget{Name: ownBudget + id, USD: most})
	}
	g.enroll(id)
	g.mu.Unlock()
	s.Bill = bill
	token := g.gateway.Admit(gateway.Client{Agent: id, Retold: s.Reobserve, Dirs: g.places(s)})
	for _, name := range apis {
		api := agent.LookupAPI(name)
		s.Env = maps.Clone(s.Env)
		s.Env[api.URL] = api.Base(g.address, id)
		key := supervisor.Secret{Name: api.Key, Value: token}
		if s.Kind.Tool != nil {
			key.Descriptor = s.Kind.Tool.Credentials[0].Descriptor
		}
		s.Secrets = append(s.Secrets, key)
	}
	if !s.Connects {
		s.Ports = append(slices.Clone(s.Ports), g.port)
	}
}

// slug is what command line tools make of a path where it names a file.
var slug = regexp.MustCompile(`[^A-Za-z0-9]`)

// places are the directories that requests are compared without.
func (g *gate) places(s *supervisor.Spec) map[string]string {
	own := filepath.Dir(g.dir.AgentLog(s.ID))
	return map[string]string{
		"agent": own, "run": g.dir.Dir,
		"agent-slug": slug.ReplaceAllString(own, "-"),
	}
}

func (g *gate) bill(id string) *supervisor.Bill {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bills[id]
}

// turn, used, refused, wait, log, ended and retried are what the gateway asks and tells.

func (g *gate) turn(id string) (tick, attempt int) { return g.bill(id).Turn() }

func (g *gate) used(e *gateway.Exchange) {
	t := &e.Tokens
	u := &agent.Usage{
		Model: e.Answered, Input: int(t.Input), Output: int(t.Output),
		CacheRead: int(t.CacheRead), CacheWrite: int(t.CacheWrite + t.CacheWrite1h), USD: e.USD,
	}
	if e.Whole && e.Status < 300 {
		u.Turns = 1
	}
	g.bill(e.Agent).Add(u)
}

func (g *gate) refused(id string, err error) {
	why := agent.Refused
	if spent := (*gateway.BudgetError)(nil); errors.As(err, &spent) {
		why = agent.Budget
	} else if missing := (*gateway.CounterpartError)(nil); errors.As(err, &missing) {
		why = agent.Differs
	}
	g.bill(id).Refuse(why, err.Error())
}

func (g *gate) wait(id string) (release func()) { return g.bill(id).Wait() }

func (g *gate) log(id, text string) { g.bill(id).Log(text) }

func (g *gate) ended(e *gateway.Ended) {
	if m := g.metrics.Load(); m != nil {
		t := &e.Tokens
		m.Requested(&observe.Request{
			API: e.API, Model: e.Model, By: e.By, Status: e.Status, Took: e.Took,
			Input: t.Input + t.CacheRead + t.CacheWrite + t.CacheWrite1h, Output: t.Output,
		})
	}
}

func (g *gate) retried(api string) {
	if m := g.metrics.Load(); m != nil {
		m.Retried(api)
	}
}

// ownBudget is what budgets of single agents are called, before their ids.
const ownBudget = "limits.usd of "

// standings are the budgets of the run and of its teams.
func (g *gate) standings() []observe.Budget {
	var out []observe.Budget
	for _, b := range g.budgets.Standings() {
		if !strings.HasPrefix(b.Name, ownBudget) {
			out = append(out, observe.Budget{Name: b.Name, USD: b.USD.Dollars(), Spent: b.Spent.Dollars()})
		}
	}
	return out
}
