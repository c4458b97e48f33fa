package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// costHead has a price of which a token of input is $2, of output $4, read from the
// cache $0.2 and written to it $3 a million; and keys for agents.
const costHead = `name: models
limits: {usd: 2.50}
secrets: {ANTHROPIC_API_KEY: {file: key.txt}, OPENAI_API_KEY: {file: key.txt}}
gateway: {prices: prices.yaml, budgets: {team: {agents: ["a*"], usd: 0.05}}}
clock: {ticks: 2}
agents:
`

// costOf is the estimate for agents of a world without end, which are told 2,100 tokens before their
// conversations where they have the flags and the system prompt of lightly.
func costOf(t *testing.T, agents string, a Assumptions, sets ...string) *Estimate {
	t.Helper()
	return costIn(t, `{kind: population, config: {newborn: "x-{n}"}}`, agents, a, sets...)
}

// costIn is the same in another world.
func costIn(t *testing.T, world, agents string, a Assumptions, sets ...string) *Estimate {
	t.Helper()
	dir := folder(t, map[string]string{
		"key.txt":     "sk",
		"prices.yaml": "models: [{model: m, input: 2, output: 4, cache_read: 0.2, cache_write: 3}]",
	})
	p, problems := expand(dir, "world: "+world+"\n"+costHead+agents, Options{LookPath: toolThere, Sets: sets})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	e, err := p.Cost(a)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var lightly = `, flags: [--tools, ""], system: {text: ` + strings.Repeat("x", 150) + "}"

// Each figure can be computed by hand: the prompts of a conversation have 2,600, 3,400,
// 4,200 and 5,000 tokens.
func TestCost(t *testing.T) {
	window := Usual
	window.Window = 3500
	three := Usual
	three.Turns = 3
	for name, c := range map[string]struct {
		agent   string
		assumed Assumptions
		want    string // agents, turns, tokens in, cached and out, and dollars
	}{
		"session":           {"kind: claude, model: m" + lightly, Usual, "1 2 5000 10200 1200 0.02184 0.0352"},
		"none":              {"kind: claude, model: m, state: none" + lightly, Usual, "1 2 4700 7300 1200 0.02036 0.0288"},
		"window":            {"kind: claude, model: m" + lightly, window, "1 2 4700 7300 1200 0.02036 0.0288"},
		"one request":       {"kind: claude, model: m, max_turns: 1" + lightly, Usual, "1 2 3400 2600 600 0.01312 0.0144"},
		"one turn":          {"kind: claude, model: m, limits: {turns: 1, usd: none}" + lightly, Usual, "1 1 3400 2600 600 0.01312 0.0144"},
		"fewer by limits":   {"kind: claude, model: m, state: none, limits: {turns: 2, usd: none}" + lightly, three, "1 2 4700 7300 1200 0.02036 0.0288"},
		"more by the flag":  {"kind: claude, model: m, state: none" + lightly, three, "1 3 6000 12000 1800 0.0276 0.0432"},
		"several":           {"replicas: 10, kind: claude, model: m" + lightly, Usual, "10 2 50000 102000 12000 0.2184 0.352"},
		"prompt and system": {`kind: claude, model: m, flags: [--tools=], system: {text: "{{.agent.id}}` + strings.Repeat("x", 50) + `"}, prompt: {text: ` + strings.Repeat("y", 99) + `}`, Usual, "1 2 5000 10200 1200 0.02184 0.0352"},
		"a program":         {"command: [cat], gateway: through", Usual, "1 2 2600 1000 1200 0.0128 0.012"},
	} {
		id := "b, "
		if strings.HasPrefix(c.agent, "replicas") {
			id = `"b-{n}", `
		}
		e := costOf(t, "  - {id: "+id+c.agent+"}\n  - {id: a, command: [cat]}\n", c.assumed)
		if len(e.Entries) != 1 {
			t.Errorf("%s: %+v", name, e.Entries)
			continue
		}
		x := &e.Entries[0]
		got := fmt.Sprintf("%d %d %d %d %d %s %s", x.Agents, x.Turns, x.Input, x.Cached, x.Output, toJSON(t, x.USD), toJSON(t, x.Uncached))
		if got != c.want || !x.Known || e.USD != x.USD || e.Uncached != x.Uncached {
			t.Errorf("%s:\n got %s\nwant %s\nof %s", name, got, c.want, toJSON(t, e))
		}
	}
}

// A limit is passed in the turn that costs more than is left of it. Of an entry it is
// each agent's, by the one that is told the most.
func TestCostLimits(t *testing.T) {
	e := costOf(t, `  - {id: "a-{n}", replicas: 3, kind: claude, model: m, limits: {usd: 0.021}`+lightly+`}
  - {id: b, kind: claude, model: m, limits: {usd: 0.03}`+lightly+`}
  - {id: c, command: [cat]}
`, Usual, "agents.a-3.system.text="+strings.Repeat("x", 150+700), "limits.usd=0.0656")
	want := map[string]LimitCost{
		// The third is told 200 tokens more: 0.6 m$ to write, and 0.04 m$ to read again.
		"a-{n}":       {USD: 21e6, Needed: 21.84e6, Reached: 2, Turns: 2},
		"b":           {USD: 30e6, Needed: 21.84e6, Turns: 2},
		"budget team": {USD: 50e6, Needed: (2*21.84 + 22.56) * 1e6, Reached: 2, Turns: 2},
		"run":         {USD: 65.6e6, Needed: (3*21.84 + 22.56) * 1e6, Reached: 2, Turns: 2},
	}
	for _, l := range e.Limits {
		w := want[l.Of]
		if w.Of = l.Of; l.Of == "a-{n}" && l.Needed == 22.56e6 {
			w.Needed = 22.56e6 // --set made an entry of its own of the third
		}
		if l != w {
			t.Errorf("got %+v, want %+v", l, w)
		}
	}
	if len(e.Limits) != 5 {
		t.Errorf("%+v", e.Limits)
	}
	// 13.12 m$ each in the first turn.
	e = costOf(t, "  - {id: a, kind: claude, model: m"+lightly+"}\n  - {id: c, command: [cat]}\n", Usual, "limits.usd=0.01312", "clock.ticks=0")
	if got := toJSON(t, e.Limits); got != `[{"of":"budget team","usd":0.05,"needed":0.01312,"reached_in_turn":5,"turns":1},{"of":"run","usd":0.01312,"needed":0.01312,"reached_in_turn":2,"turns":1}]` {
		t.Error(got)
	}
}

// What is not known is said, and what stands in its place.
func TestCostNotes(t *testing.T) {
	e := costOf(t, `  - {id: "a-{n}", kind: claude, max: 4, replicas: 1, mcp: {own: {command: cat}}}
  - {id: b, kind: codex, model: unheard, gateway: bypass}
  - {id: c, command: [cat], on_failure: {crash: {substitute: {kind: claude}}}}
  - {id: d, command: [cat], gateway: through}
`, Usual, "clock.ticks=0")
	want := []string{
		"a-{n}: agents that come later are not counted (max: 4)",
		"a-{n}: the tools of its own MCP servers are not counted",
		"a-{n}: it names no model, and claude-opus-5-5 is taken for what claude has by itself",
		"a-{n}: claude-opus-5-5 has no price in the table: the dearest of each is taken (gateway.prices)",
		"a-{n}: nothing says how many turns there are (clock.ticks), so that its figures are for the first: see --turns",
		"b: it goes around the gateway: by the table's prices, whatever its account pays",
		"b: unheard has no price in the table: the dearest of each is taken (gateway.prices)",
		"b: nothing says how many turns there are (clock.ticks), so that its figures are for the first: see --turns",
		"c: the claude that stands in for it on crash is not counted",
		"d: its program chooses its models and what it tells them: the dearest of each price is taken, and a new conversation of messages and answers alone each turn",
		"d: nothing says how many turns there are (clock.ticks), so that its figures are for the first: see --turns",
	}
	same(t, "notes", strings.Join(e.Notes, "\n"), strings.Join(want, "\n"))
	if len(e.Entries) != 3 || e.Entries[0].Known || e.Entries[0].Turns != 1 || e.Entries[2].Model != "" {
		t.Errorf("%s", toJSON(t, e.Entries))
	}
}

// A world whose config says how long its game is bounds the turns that there are, as
// the clock's ticks do, for each agent by itself.
func TestCostWorlds(t *testing.T) {
	const agents = "  - {id: \"a-{n}\", replicas: 3, kind: claude, model: m, state: none, config: {tasks: [one, null, two]}"
	for _, c := range []struct {
		world, ticks string
		sets         []string
		turns        int
		input        int64
	}{
		{"{kind: public-goods, config: {rounds: 7}}", "0", nil, 7, 3 * (3400 + 6*1300)},
		{"{kind: public-goods, config: {rounds: 7}}", "2", nil, 2, 3 * (3400 + 1300)},
		{"{kind: conversation, config: {rounds: 3, order: in-turn}}", "0", nil, 3, 3 * (3400 + 2*1300)},
		{"{kind: matrix-game, config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 5}}", "0", nil, 10, 3 * (3400 + 9*1300)},
		{"{kind: population, config: {newborn: 'x-{n}', ticks: 4}}", "0", nil, 4, 3 * (3400 + 3*1300)},
		{"{kind: tasks}", "0", nil, 2, 3 * (3400 + 1300)},
		{"{kind: tasks}", "0", []string{"agents.a-2.config.tasks=[one]"}, 2, 3*3400 + 2*1300},
	} {
		e := costIn(t, c.world, agents+lightly+"}\n", Usual, append(c.sets, "clock.ticks="+c.ticks)...)
		var turns int
		var input int64
		for i := range e.Entries {
			turns, input = max(turns, e.Entries[i].Turns), input+e.Entries[i].Input
			if !e.Entries[i].Known {
				t.Errorf("%s: its length is not known", c.world)
			}
		}
		if turns != c.turns || input != c.input {
			t.Errorf("%s in %s ticks, %v: %d turns and %d tokens, want %d and %d", c.world, c.ticks, c.sets, turns, input, c.turns, c.input)
		}
	}
}

// Of agents with turns of their own the one with the most is what an entry's limit
// has to last for.
func TestCostUnevenTurns(t *testing.T) {
	e := costIn(t, "{kind: tasks}", `  - {id: "{name}", for_each: [{name: a, tasks: [one]}, {name: b, tasks: [one, two, three]}], kind: claude, model: m, state: none, limits: {usd: 0.02}, config: {tasks: "{tasks}"}`+lightly+"}\n",
		Usual, "clock.ticks=0")
	x := &e.Entries[0]
	if len(e.Entries) != 1 || x.Agents != 2 || x.Turns != 3 || !x.Known || x.Input != 2*3400+2*1300 {
		t.Errorf("%s", toJSON(t, e.Entries))
	}
	if l := e.Limits[0]; l.Of != "{name}" || l.Turns != 3 || l.Reached != 2 || l.Needed != Dollars(27.6e6) {
		t.Errorf("%s", toJSON(t, e.Limits))
	}
}

// In realtime a tick is anybody's turn, so that their number says nothing of one.
func TestCostRealtime(t *testing.T) {
	dir := folder(t, map[string]string{"key.txt": "sk"})
	p, problems := expand(dir, "name: t\nclock: {mode: realtime, ticks: 9}\nlimits: {usd: 1}\nsecrets: {ANTHROPIC_API_KEY: {file: key.txt}}\nagents: [{id: a, kind: claude}]\n", Options{LookPath: toolThere})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	e, err := p.Cost(Usual)
	if err != nil || e.Entries[0].Known || e.Entries[0].Turns != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}

// What is too large to count is the largest amount, and no negative one.
func TestCostIsBounded(t *testing.T) {
	most := Assumptions{Turns: 1_000_000, Requests: 1000, Message: 1_000_000, Answer: 1_000_000, Window: 10_000_000}
	e := costOf(t, `  - {id: "a-{n}", replicas: 9, kind: claude, model: m}`+"\n  - {id: b, command: [cat]}\n", most)
	if e.USD != 1<<63-1 || e.Uncached != 1<<63-1 || e.Entries[0].Cached <= 0 {
		t.Errorf("%s", toJSON(t, e))
	}
}

// The estimate is for programs too: dollars are numbers of dollars.
func TestDollars(t *testing.T) {
	for d, want := range map[Dollars]string{0: "0 $0.0000", 12_345_678: "0.012345678 $0.0123", 1_000_000_000: "1 $1.00", 1_234_567_890: "1.23456789 $1.23"} {
		text, err := json.Marshal(d)
		if got := string(text) + " " + d.String(); err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}
