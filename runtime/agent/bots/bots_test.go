package bots

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// ask runs a bot for one agent and returns its actions.
func ask(t *testing.T, bot string, config string, observes ...agent.Observe) []agent.Act {
	t.Helper()
	in := agent.AppendInit(nil, agent.Init{Run: "r", Agent: "a", Seed: 1, Config: []byte(config)})
	for i := range observes {
		o := &observes[i]
		o.Agent, o.Tick = "a", i
		in = agent.AppendObserve(in, o)
	}
	var out bytes.Buffer
	if err := Run(bot, bytes.NewReader(in), &out); err != nil {
		t.Fatalf("%s: %v", bot, err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	acts := make([]agent.Act, 0, len(observes))
	for i, text := range lines {
		l, err := agent.Decode([]byte(text))
		if err != nil || i == 0 && l.Type != agent.TypeReady {
			t.Fatalf("%s: %s: %v", bot, text, err)
		}
		if i > 0 {
			acts = append(acts, l.Act)
		}
	}
	if len(acts) != len(observes) {
		t.Fatalf("%s: %d answers to %d observes", bot, len(acts), len(observes))
	}
	return acts
}

// play has a bot play against the given moves, twice in a row, and returns its
// moves in both matches.
func play(t *testing.T, bot, against string) [2]string {
	t.Helper()
	var played [2]string
	var observes []agent.Observe
	// What a bot says next depends on what it said: ask it again from the
	// start for each turn.
	for match := range played {
		for turn := range len(against) {
			last := "null"
			if turn > 0 {
				theirs := strconv.Quote(against[turn-1 : turn])
				if against[turn-1] == '-' {
					theirs = "null"
				}
				last = fmt.Sprintf(`{"you":%q,"opponent":%s}`, played[match][turn-1:turn], theirs)
			}
			observes = append(observes, agent.Observe{Observation: fmt.Appendf(nil,
				`{"match":%d,"turn":%d,"turns":10,"opponent":"b","last":%s,"score":{"you":0,"opponent":0}}`, match, turn, last)})
			acts := ask(t, bot, "{}", observes...)
			move := string(acts[len(acts)-1].Action)
			played[match] += strings.TrimSuffix(strings.TrimPrefix(move, `{"move":"`), `"}`)
		}
	}
	return played
}

func TestStrategies(t *testing.T) {
	const against = "CDDCCDCDDD"
	tests := map[string]string{
		"alternator":             "CDCDCDCDCD",
		"cooperator":             "CCCCCCCCCC",
		"defector":               "DDDDDDDDDD",
		"go-by-majority":         "CCCDCCCCCD",
		"grudger":                "CCDDDDDDDD",
		"suspicious-tit-for-tat": "DCDDCCDCDD",
		"tit-for-tat":            "CCDDCCDCDD",
		"tit-for-two-tats":       "CCCDCCCCCD",
		"win-stay-lose-shift":    "CCDCCCDDCD",
	}
	for bot, want := range tests {
		if got := play(t, bot, against); got != [2]string{want, want} {
			t.Errorf("%s plays %s against %s, want %s twice", bot, got, against, want)
		}
	}
	first := play(t, "random", against)
	if again := play(t, "random", against); first != again || strings.Trim(first[0], "CD") != "" ||
		!strings.Contains(first[0]+first[1], "C") || !strings.Contains(first[0]+first[1], "D") {
		t.Errorf("random plays %s, then %s", first, again)
	}
}

// TestForfeit is about an opponent whose move is null.
func TestForfeit(t *testing.T) {
	for bot, want := range map[string]string{"tit-for-tat": "CCDC", "grudger": "CCDD", "go-by-majority": "CCDD"} {
		if got := play(t, bot, "-D-C"); got[0] != want {
			t.Errorf("%s plays %s, want %s", bot, got[0], want)
		}
	}
}

// TestAskedAgain says that a turn counts once, however often it is asked.
func TestAskedAgain(t *testing.T) {
	turn := func(n, attempt int, theirs string) agent.Observe {
		return agent.Observe{Attempt: attempt, Error: "again", Observation: fmt.Appendf(nil,
			`{"turn":%d,"last":{"you":"C","opponent":%q}}`, n, theirs)}
	}
	acts := ask(t, "go-by-majority", "{}", turn(1, 1, "C"), turn(2, 1, "D"), turn(2, 2, "D"), turn(3, 1, "C"))
	if got := string(acts[2].Action) + string(acts[3].Action); got != `{"move":"C"}{"move":"C"}` {
		t.Errorf("got %s", got)
	}
}

func TestCell(t *testing.T) {
	tests := map[string]string{
		`{"move":"C","payoff":9,"neighbours":{"moves":["C","D"],"payoffs":[9,14.8]}}`:          "D",
		`{"move":"C","payoff":9,"neighbours":{"moves":["C","D"],"payoffs":[8,9]}}`:             "C", // a tie with itself
		`{"move":"C","payoff":1,"neighbours":{"moves":["D","C","D"],"payoffs":[9.25,9.25,1]}}`: "C", // a tie of others
		`{"move":"C","payoff":1,"neighbours":{"moves":["C","D","D"],"payoffs":[5,5,6]}}`:       "D",
		`{"move":"D","payoff":0,"neighbours":{"moves":[],"payoffs":[]}}`:                       "D",
	}
	for seen, want := range tests {
		got := ask(t, "cell", "{}", agent.Observe{Observation: []byte(seen)})
		if string(got[0].Action) != `{"move":"`+want+`"}` {
			t.Errorf("%s: got %s, want %s", seen, got[0].Action, want)
		}
	}
}

func TestRabbit(t *testing.T) {
	months := func(n int) (list []agent.Observe) {
		for age := range n {
			list = append(list, agent.Observe{Observation: fmt.Appendf(nil, `{"tick":9,"age":%d,"population":5}`, age)})
		}
		return list
	}
	tests := map[string]string{
		`{}`:                             "0-,1-,1-,1-",
		`{"born":3,"lifespan":3}`:        "0-,1-,1†,1†",
		`{"breeds_from":2}`:              "0-,0-,1-,1-",
		`{"breeds_from":0,"lifespan":1}`: "1†,1†,1†,1†",
	}
	for config, want := range tests {
		var got []string
		for _, a := range ask(t, "rabbit", config, months(4)...) {
			text := strings.NewReplacer(`{"offspring":`, "", `,"die":false}`, "-", `,"die":true}`, "†").Replace(string(a.Action))
			got = append(got, text)
		}
		if strings.Join(got, ",") != want {
			t.Errorf("%s: got %s, want %s", config, got, want)
		}
	}
}

func TestRumour(t *testing.T) {
	silent := agent.Observe{Observation: []byte(`{"round":1}`), Messages: []agent.Message{
		{From: "x", Body: []byte(`"rumour"`)}, {From: "x", Body: []byte(`{"rumour":false}`)}}}
	tells := agent.Observe{Observation: []byte(`{"round":2}`), Messages: []agent.Message{{From: "x", Body: []byte(`{"rumour":true}`)}}}
	acts := ask(t, "rumour", `{"peers":["b","c"],"channel":"square"}`, silent, tells, silent, silent, silent)
	if string(acts[0].Action) != `{"heard":false}` || len(acts[0].Send) != 0 {
		t.Errorf("before it heard the rumour: %+v", acts[0])
	}
	told := map[string]bool{}
	for _, a := range acts[1:] {
		if string(a.Action) != `{"heard":true}` || len(a.Send) != 2 || a.Send[1].Channel != "square" || string(a.Send[1].Body) != `{"rumour":true}` {
			t.Fatalf("after it heard the rumour: %+v", a)
		}
		told[a.Send[0].To] = true
	}
	if len(told) == 0 || len(told) > 2 || !told["b"] && !told["c"] {
		t.Errorf("told %v", told)
	}
	if acts := ask(t, "rumour", `{"knows":true,"chance":0,"peers":["b"]}`, silent); len(acts[0].Send) != 0 || string(acts[0].Action) != `{"heard":true}` {
		t.Errorf("with no chance to talk: %+v", acts[0])
	}
}

func TestHerald(t *testing.T) {
	says := func(attempt int, said ...string) agent.Observe {
		o := agent.Observe{Observation: []byte(`{}`), Attempt: attempt, Error: "again"}
		for _, body := range said {
			from, body, _ := strings.Cut(body, " ")
			o.Messages = append(o.Messages, agent.Message{From: from, Body: []byte(body)})
		}
		return o
	}
	acts := ask(t, "herald", `{"channel":"square","peers":["b","c"]}`,
		says(1), says(1, `b {"turn":1}`, `b {"turn":3}`, `b 5`, `b {"turn":"x"}`, `c {"turn":2}`),
		says(1, `b {"turn":2}`, `b {"turn":3}`), says(2, `b {"turn":4}`), says(1, `b {"turn":4}`))
	for i, want := range []string{`{"heard":0,"twice":0,"late":0}`, `{"heard":3,"twice":0,"late":0}`,
		`{"heard":5,"twice":1,"late":1}`, `{"heard":5,"twice":1,"late":1}`, `{"heard":6,"twice":1,"late":1}`} {
		if string(acts[i].Action) != want {
			t.Errorf("turn %d: got %s, want %s", i+1, acts[i].Action, want)
		}
	}
	sent := fmt.Sprintf("%s %s %s", acts[2].Send[0].Channel+string(acts[2].Send[0].Body), acts[2].Send[1].To+string(acts[2].Send[1].Body), acts[2].Send[2].To)
	if sent != `square{"turn":3} b{"turn":3} c` || len(acts[2].Send) != 3 {
		t.Errorf("it sends %s", sent)
	}
	if acts := ask(t, "herald", `{}`, says(1)); len(acts[0].Send) != 0 {
		t.Errorf("told to tell nobody, it sends %v", acts[0].Send)
	}
}

func TestPublicGoods(t *testing.T) {
	seen := func(last string) agent.Observe {
		return agent.Observe{Observation: []byte(`{"players":4,"endowment":10,"last":` + last + `}`)}
	}
	for bot, want := range map[string][]int{"altruist": {10, 10, 10, 10}, "free-rider": {0, 0, 0, 0}, "conditional-cooperator": {10, 5, 10, 0}} {
		acts := ask(t, bot, "{}", seen("null"), seen(`{"contribution":10,"pot":26}`), seen(`{"contribution":0,"pot":40}`), seen(`{"contribution":8,"pot":9}`))
		for i, n := range want {
			if string(acts[i].Action) != fmt.Sprintf(`{"contribution":%d}`, n) {
				t.Errorf("%s gives %s in round %d, want %d", bot, acts[i].Action, i+1, n)
			}
		}
	}
}

func TestEcho(t *testing.T) {
	if got := ask(t, "echo", "{}", agent.Observe{Observation: []byte(`{"x":[1,"é"]}`)}); string(got[0].Action) != `{"x":[1,"é"]}` {
		t.Errorf("got %s", got[0].Action)
	}
}

func TestBadConfig(t *testing.T) {
	for bot, config := range map[string]string{"rumour": `{"chance":2}`, "rabbit": `{"lifespan":"long"}`} {
		in := agent.AppendInit(nil, agent.Init{Agent: "a", Config: []byte(config)})
		if err := Run(bot, bytes.NewReader(in), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "config") {
			t.Errorf("%s with %s: %v", bot, config, err)
		}
	}
}

func TestUnknown(t *testing.T) {
	err := Run("clown", strings.NewReader(""), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), `"clown"`) || !strings.Contains(err.Error(), strings.Join(Names(), ", ")) {
		t.Errorf("got %v", err)
	}
}

// TestAll is what every bot of the table has to keep: what it is sent that it
// cannot understand ends it with an error, and it never panics.
func TestAll(t *testing.T) {
	for _, name := range Names() {
		for _, seen := range []string{`7`, `null`, `{}`, `[]`, `{"turn":"x"}`} {
			in := agent.AppendInit(nil, agent.Init{Agent: "a"})
			in = agent.AppendObserve(in, &agent.Observe{Agent: "a", Observation: []byte(seen)})
			var out bytes.Buffer
			err := Run(name, bytes.NewReader(in), &out)
			if answered := strings.Contains(out.String(), `"act"`); answered == (err != nil) {
				t.Errorf("%s, shown %s: %v, and %q", name, seen, err, out.String())
			}
		}
	}
}

func BenchmarkCell(b *testing.B) {
	in := agent.AppendInit(nil, agent.Init{Agent: "a"})
	for tick := range b.N {
		in = agent.AppendObserve(in, &agent.Observe{Agent: "a", Tick: tick, Observation: fmt.Appendf(nil,
			`{"move":"C","payoff":%d,"neighbours":{"moves":["C","D","C","C","C","C","C","C"],"payoffs":[9,14.8,9,8,8,9,9,8]}}`, tick%10/9)}) // one in ten moves
	}
	b.ReportAllocs()
	b.ResetTimer()
	if err := Run("cell", bytes.NewReader(in), &bytes.Buffer{}); err != nil {
		b.Fatal(err)
	}
}
