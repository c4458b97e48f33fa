package observe

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

func says(from, to, channel, body string) record.Message {
	return record.Message{From: from, To: to, Channel: channel, Body: []byte(body)}
}

// spoken is a run in which ann and bob are told much.
func spoken() []*record.Record {
	all := []*record.Record{
		{Turns: []record.Turn{turn("ann", `1`, "", ""), turn("bob", `2`, "", "")}, Messages: []record.Message{
			says("ann", "bob", "", `"a0"`), says("ann", "", "square", `"a0 to all"`), says("bob", "ann", "", `"b0"`), says("bob", "nobody", "", `"lost"`),
		}, Results: []record.Result{{Agent: "ann", JSON: []byte(`{"type":"send"}`)}, {Agent: "bob", JSON: []byte(`{"type":"lock"}`)}}},
		// Only ann is asked: bob's mail waits.
		{Turns: []record.Turn{turn("ann", `3`, "", "")}, Messages: []record.Message{says("ann", "bob", "", `"a1"`), says("god", "", "square", `"g1"`)}},
		// bob never had it; rabbit-1 comes, and is in the den from then on.
		{Turns: []record.Turn{turn("ann", `4`, "", ""), {Agent: "bob", Observation: []byte(`1`), Failure: agent.Deadline, Policy: "skip", Unsent: true}},
			Messages: []record.Message{says("ann", "bob", "", `"a2"`)}, Added: []record.Added{{Agent: "rabbit-1", Config: []byte(`{}`)}}},
		{Turns: []record.Turn{turn("ann", ``, agent.InvalidAction, "skip"), turn("bob", `5`, "", ""), turn("rabbit-1", `6`, "", "")},
			Messages: []record.Message{says("ann", "", "den", `"a3"`)},
			Annex: record.Annex{Attempts: []record.Attempt{{Agent: "ann", Attempt: 1, Error: "no", Failure: agent.InvalidAction, Act: agent.Act{Action: []byte(`"x"`)}}},
				Usages: []record.Usage{
					{Agent: "bob", Attempt: 1, Usage: agent.Usage{Model: "m", Turns: 1, Input: 5, USD: agent.Dollar / 2, Took: 1500e6}},
					{Agent: "bob", Attempt: 2, Usage: agent.Usage{Model: "n", Turns: 2, Output: 3, CacheWrite: 1, Took: 500e6}},
				}}},
		// The den is emptied and the square is rabbit-1's alone.
		{Turns: []record.Turn{turn("rabbit-1", `7`, "", "")}, Channels: []record.Channel{{Name: "den"}, {Name: "square", Members: []string{"rabbit-1"}}}},
		{Turns: []record.Turn{turn("bob", `8`, "", ""), turn("rabbit-1", `9`, "", "")}, Messages: []record.Message{
			{From: "ann", To: "bob", Body: []byte(`"dropped"`), Fate: &record.Fate{}}, {From: "ann", To: "bob", Body: []byte(`"late"`), Fate: &record.Fate{Copies: 1, Delay: 1}},
			{From: "ann", Channel: "square", Body: []byte(`"cut"`), Fate: &record.Fate{Copies: 1, Cut: 1}}, {From: "god", Channel: "square", Body: []byte(`"heard"`)},
			{From: "rabbit-1", To: "bob", Body: []byte(`"not to him"`), Refused: true},
		}, Partitions: []record.Partition{{Groups: [][]string{{"ann"}, {"rabbit-*"}}}}},
		{Turns: []record.Turn{turn("bob", `10`, "", ""), turn("rabbit-1", `11`, "", "")}},
		{Turns: []record.Turn{turn("bob", `12`, "", "")}},
	}
	for i, r := range all {
		r.Tick = i
	}
	return all
}

// brief is a turn in few words.
func brief(s TurnState) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:", s.Tick)
	for _, m := range s.Messages {
		fmt.Fprintf(&b, " %s%s", strings.Trim(string(m.Body), `"`), map[bool]string{true: "@" + m.Channel}[m.Channel != ""])
	}
	for _, r := range s.Results {
		fmt.Fprintf(&b, " %s", r)
	}
	return b.String()
}

func (p *tcpPlace) turns(t *testing.T, path string) (brf []string, list []TurnState, before string) {
	t.Helper()
	res := p.ask(t, "GET /v1/runs/r/agents/"+path, "")
	if err := json.Unmarshal([]byte(res.body), &list); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, res.body)
	}
	for _, s := range list {
		brf = append(brf, brief(s))
	}
	return brf, list, res.header.Get(beforeHeader)
}

func TestTurns(t *testing.T) {
	h, _ := open(t)
	h.runOf("r", village(), 0, false)
	for _, r := range spoken() {
		h.commit("r", r)
	}
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	at = at.as(Observe)
	bob := []string{"7:", "6:", "5:", `3: a0 a0 to all@square a1 g1@square a2 {"type":"lock"}`, "2:", "0:"}
	bob[0] = "7: late"
	rabbit := []string{"6: heard@square", "5:", "4: a3@den", "3:"}
	ann := []string{"3:", "2: g1@square", `1: b0 {"type":"send"}`, "0:"}
	for id, want := range map[string][]string{"bob": bob, "rabbit-1": rabbit, "ann": ann} {
		for limit := 1; limit <= len(want)+1; limit++ {
			var got []string
			before := ""
			for {
				path := fmt.Sprintf("%s/turns?limit=%d", id, limit)
				if before != "" {
					path += "&before=" + before
				}
				some, _, next := at.turns(t, path)
				got = append(got, some...)
				if before = next; before == "" {
					break
				}
			}
			if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
				t.Errorf("%s, %d at a time: got\n%s\nwant\n%s", id, limit, a, b)
			}
		}
	}
	_, list, _ := at.turns(t, "bob/turns?before=4&limit=1")
	text, err := json.Marshal(list[0])
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "bob in tick 3", string(text), `{"tick":3,"observation":{"sees":"bob"},"action":5,"send":[],
		"messages":[{"tick":0,"from":"ann","body":"a0"},{"tick":0,"from":"ann","channel":"square","body":"a0 to all"},
		{"tick":1,"from":"ann","body":"a1"},{"tick":1,"from":"god","channel":"square","body":"g1"},{"tick":2,"from":"ann","body":"a2"}],
		"results":[{"type":"lock"}],"latency_ms":2000,"usage":{"model":"n","turns":3,"input":5,"output":3,"cache_read":0,"cache_write":1,"usd":0.5}}`)
	_, list, _ = at.turns(t, "ann/turns")
	text, err = json.Marshal(list[0])
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "ann in tick 3", string(text), `{"tick":3,"observation":{"sees":"ann"},"failure":"invalid_action","policy":"skip","messages":[],"results":[],
		"send":[{"channel":"den","body":"a3"}],"attempts":[{"attempt":1,"error":"no","failure":"invalid_action","action":"x"}]}`)
	at.is(t, "GET /v1/runs/r/agents/twin-1/turns", 200, "[]")
	at.is(t, "GET /v1/runs/r/agents/zoe/turns", 404, "no agent zoe")
	at.is(t, "GET /v1/runs/none/agents/ann/turns", 404)
	at.is(t, "GET /v1/runs/r/agents/ann/turns?limit=0", 400)
	at.is(t, "GET /v1/runs/r/agents/ann/turns?limit=501", 400)
}

// Under the realtime clock a turn says what its observe was made of.
func TestTurnsInRealtime(t *testing.T) {
	h, _ := open(t)
	p := village()
	p.Clock.Mode = plan.Realtime
	h.runOf("r", p, 0, false)
	took := func(tick int, x record.Turn) record.Turn {
		x.Taken = &record.Taken{Tick: tick}
		return x
	}
	for i, r := range []*record.Record{
		{Messages: []record.Message{says("god", "ann", "", `"0"`)}},
		{Turns: []record.Turn{took(0, turn("ann", `1`, "", ""))}}, // asked before that
		{Messages: []record.Message{says("god", "ann", "", `"2"`)}},
		{Messages: []record.Message{says("god", "ann", "", `"3"`)}},
		{Turns: []record.Turn{took(3, turn("ann", `1`, "", ""))}}, // and before that
		{Turns: []record.Turn{took(5, turn("ann", `1`, "", ""))}},
	} {
		r.Tick = i
		h.commit("r", r)
	}
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	got, _, before := at.as(Observe).turns(t, "ann/turns")
	if a, b := strings.Join(got, "\n"), "5: 3\n4: 0 2\n1:"; a != b || before != "" {
		t.Errorf("got\n%s\n%q, want\n%s", a, before, b)
	}
}

// A question looks through a bounded part of the log, and says where to go on.
func TestTurnsOfALongRun(t *testing.T) {
	h, _ := open(t)
	h.runOf("r", village(), 0, false)
	const ticks = mostLooked + 3*mostPart
	for tick := range ticks {
		r := &record.Record{Tick: tick}
		if tick == 0 || tick == ticks-1 {
			r.Turns = []record.Turn{turn("ann", `1`, "", "")}
		}
		if tick%1000 == 999 {
			r.Messages = []record.Message{says("god", "ann", "", strconv.Itoa(tick))}
		}
		h.commit("r", r)
	}
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	at = at.as(Observe)
	got, list, before := at.turns(t, "ann/turns")
	if len(list) != 1 || list[0].Tick != ticks-1 || before != strconv.Itoa(ticks-1) {
		t.Fatalf("got %v, before %s", got, before)
	}
	asks := 0
	for before != "" && len(list) == 1 && list[0].Tick > 0 {
		var some []TurnState
		_, some, before = at.turns(t, "ann/turns?before="+before)
		list = append(list[:0], append(some, list...)[0])
		asks++
	}
	if list[0].Tick != 0 || before != "" || asks != 2 {
		t.Errorf("the first turn is found by %d further questions: %+v, before %q", asks, list, before)
	}
}

// Among very many agents, few ticks are looked at for a question, and no message is
// missed where one ends.
func TestTurnsAmongMany(t *testing.T) {
	h, _ := open(t)
	p, _ := throng(100_000)
	h.runOf("r", *p, 0, false)
	const ticks, id = 150, "cell-0000007"
	for tick := range ticks {
		h.commit("r", &record.Record{Tick: tick, Turns: []record.Turn{turn(id, `1`, "", "")},
			Messages: []record.Message{says("god", id, "", strconv.Itoa(tick))}})
	}
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	at = at.as(Observe)
	next, asks := ticks-1, 0
	for before := ""; asks == 0 || before != ""; asks++ {
		var some []string
		path := id + "/turns?limit=500"
		if before != "" {
			path += "&before=" + before
		}
		some, _, before = at.turns(t, path)
		for _, got := range some {
			want := fmt.Sprintf("%d: %d", next, next-1)
			if next == 0 {
				want = "0:"
			}
			if got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			next--
		}
	}
	if next != -1 || asks < 3 || asks > 6 {
		t.Errorf("%d questions, up to tick %d", asks, next+1)
	}
}
