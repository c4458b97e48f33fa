package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/price"
	"github.com/troupe-dev/troupe/scenarios"
)

// A Gateway is how agents reach their models.
type Gateway struct {
	Record    bool       `json:"record"`              // what models answer is kept
	Prices    string     `json:"prices,omitempty"`    // the table's text; empty for the one of the version
	Upstreams []Upstream `json:"upstreams,omitempty"` // that some agent is let through to, by API
	Budgets   []Budget   `json:"budgets,omitempty"`   // by name
}

// An Upstream is where the requests for an API go; what is 0 or empty is the
// gateway's default.
type Upstream struct {
	API         string        `json:"api"`
	URL         string        `json:"url,omitempty"`
	Key         string        `json:"key,omitempty"` // a secret's name; empty for none
	Concurrency int           `json:"concurrency,omitempty"`
	Tries       int           `json:"tries,omitempty"`
	FirstByte   time.Duration `json:"first_byte,omitempty"` // written as 10m, as is Idle
	Idle        time.Duration `json:"idle,omitempty"`
}

// A Budget bounds what agents spend together; 0 for no bound.
type Budget struct {
	Name   string    `json:"name"`
	Agents []string  `json:"agents"` // patterns
	USD    agent.USD `json:"usd,omitempty"`
}

// upstreamJSON is an Upstream with its times as people write them.
type upstreamJSON struct {
	plainUpstream
	FirstByte duration `json:"first_byte,omitempty"`
	Idle      duration `json:"idle,omitempty"`
}

type plainUpstream Upstream

// MarshalJSON shows the times as people write them.
func (u Upstream) MarshalJSON() ([]byte, error) {
	return json.Marshal(upstreamJSON{plainUpstream(u), duration(u.FirstByte), duration(u.Idle)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (u *Upstream) UnmarshalJSON(data []byte) error {
	var read upstreamJSON
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*u = Upstream(read.plainUpstream)
	u.FirstByte, u.Idle = time.Duration(read.FirstByte), time.Duration(read.Idle)
	return nil
}

// Table is the plan's table of prices.
func (g *Gateway) Table() (*price.Table, error) {
	if g.Prices == "" {
		return price.List(), nil
	}
	return price.Read([]byte(g.Prices))
}

// Unasked says why agents of a kind, which are let through to those APIs, cannot be
// asked again what they were asked: nothing if they can. Those that go through the
// gateway can where it has kept what their models answered.
func (p *Plan) Unasked(kind string, through []string) string {
	k, err := agent.Lookup(kind)
	switch {
	case err != nil:
	case k.Bus:
		return fmt.Sprintf("its kind %s is a program on the bus, which is not there", kind)
	case k.Human:
		return fmt.Sprintf("its kind %s is a person, who is not there", kind)
	case k.Tool != nil && len(through) == 0:
		return fmt.Sprintf("its kind %s talks to a model around the gateway", kind)
	case len(through) > 0 && !p.Gateway.Record:
		return "what its model answered was not kept"
	}
	return ""
}

// upstreamOf is what a scenario says of an API; nil for nothing.
func upstreamOf(g *scenarios.Gateway, api string) *scenarios.Upstream {
	if g == nil {
		return nil
	}
	return map[string]*scenarios.Upstream{"anthropic": g.Anthropic, "openai": g.OpenAI}[api]
}

// through brings an API into the plan that agents are let through to, and says
// whether it has what it needs: a key, or the address of one that takes none.
func (m *maker) through(api agent.API) bool {
	g := m.plan.Gateway
	if g == nil {
		g = &Gateway{Record: true}
		m.plan.Gateway = g
		m.fillGateway(g)
	}
	if slices.ContainsFunc(g.Upstreams, func(u Upstream) bool { return u.API == api.Name }) {
		return true
	}
	u := Upstream{API: api.Name, Key: api.Key}
	if s := upstreamOf(m.s.Gateway, api.Name); s != nil {
		u.URL, u.Key = s.URL, or(s.Key, api.Key)
		u.Concurrency, u.Tries, u.FirstByte, u.Idle = s.Concurrency, s.Tries, time.Duration(s.FirstByte), time.Duration(s.Idle)
	}
	if m.modelless {
		u.Key = ""
	} else if !m.uses(u.Key) {
		switch {
		case u.Key != api.Key:
			m.problemAt("gateway."+api.Name+".key", fmt.Sprintf("the scenario has no secret %q", u.Key), "add secrets: {"+u.Key+": {env: "+u.Key+"}} to the scenario")
		case u.URL == "":
			return false
		}
		u.Key = ""
	}
	g.Upstreams = append(g.Upstreams, u)
	slices.SortFunc(g.Upstreams, func(a, b Upstream) int { return strings.Compare(a.API, b.API) })
	return true
}

// fillGateway takes over what the scenario says of all upstreams.
func (m *maker) fillGateway(g *Gateway) {
	s := m.s.Gateway
	if s == nil {
		return
	}
	g.Record = s.Record == nil || *s.Record
	for _, name := range slices.Sorted(maps.Keys(s.Budgets)) {
		b := s.Budgets[name]
		out := Budget{Name: name, Agents: b.Agents}
		if b.USD != nil {
			out.USD = agent.FromDollars(b.USD.Dollars)
		}
		for i, pattern := range b.Agents {
			m.mustMatch(fmt.Sprintf("gateway.budgets.%s.agents[%d]", name, i), pattern)
		}
		g.Budgets = append(g.Budgets, out)
	}
	if s.Prices == "" {
		return
	}
	text, err := os.ReadFile(m.find.path(s.Prices))
	if err == nil {
		_, err = price.Read(text)
	}
	if err != nil {
		m.problemAt("gateway.prices", err.Error(), "a table is a file such as: models: [{model: NAME, input: 3, output: 15}], in US dollars a million tokens")
		return
	}
	g.Prices = string(text)
	m.source(s.Prices)
}

// reach finds the APIs that the agents of a variant are let through to.
func (m *maker) reach(v *variant, kind agent.Kind) []string {
	if !kind.Reads("gateway") || v.entry.Gateway != "through" || kind.Tool != nil {
		return nil // a tool's is found with its key
	}
	m.spends(kind, v.problem)
	var names []string
	for _, api := range agent.APIs {
		_, keyed := m.s.Secrets[api.Key]
		if (keyed || upstreamOf(m.s.Gateway, api.Name) != nil) && m.through(api) {
			names = append(names, api.Name)
			m.noRealKey(v, api, v.problem)
		}
	}
	if len(names) == 0 {
		v.problem(".gateway", "the gateway has no API to let it through to", "add secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}} to the scenario, or OPENAI_API_KEY")
	}
	if v.entry.PerProcess > 1 {
		v.problem(".per_process", "the gateway tells agents apart by their processes, and these would share some", "leave per_process out")
	}
	return names
}

// noRealKey tells where an agent that goes through the gateway would get what only
// the gateway should have, or would go around it.
func (m *maker) noRealKey(v *variant, api agent.API, wrong report) {
	key := api.Key
	for _, u := range m.plan.Gateway.Upstreams {
		if u.API == api.Name {
			key = or(u.Key, key)
		}
	}
	for i, name := range v.entry.Secrets {
		if name == key || name == api.Key {
			v.problem(fmt.Sprintf(".secrets[%d]", i), fmt.Sprintf("%s is the gateway's key, which no agent gets", name), "leave it out: the agent has a key of its own, for the gateway")
		}
	}
	for _, name := range []string{api.URL, api.Key} {
		if _, set := v.entry.Env[name]; set {
			wrong(".env."+name, "the agent reaches its model through the gateway, which sets this",
				fmt.Sprintf("gateway: {%s: {url: …}} in the scenario says where the gateway goes; gateway: bypass lets the agent go by itself", api.Name))
		}
	}
}
