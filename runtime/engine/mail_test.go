package engine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/world"
)

// once lets an agent send in one tick and be silent in the others.
func once(tick int, sends ...agent.Send) script {
	return func(o *agent.Observe) agent.Answer {
		if o.Tick == tick {
			return acts("1", sends...)
		}
		return acts("1")
	}
}

func withChannels(p *plan.Plan, channels ...plan.Channel) *plan.Plan {
	p.Channels = channels
	return p
}

func TestMailOrderAndEcho(t *testing.T) {
	p := withChannels(planOf(4, nil, "B", "a", "a-1", "b"),
		plan.Channel{Name: "square", Patterns: []string{"*"}, Members: []string{"B", "a", "a-1", "b"}})
	tr := newTrial(t, p)
	// b is asked in ticks 0 and 3 only: mail of ticks 0 to 2 waits for it.
	tr.world.step = func(tick int, _ []world.Action) (world.Stepped, error) {
		if tick == 2 {
			return world.Stepped{Observations: sees(3, "b", "a", "a-1", "B")}, nil
		}
		return world.Stepped{Observations: sees(tick+1, "a", "a-1", "B")}, nil
	}
	tr.fleet.any = func(o *agent.Observe) agent.Answer {
		return acts("1", tells("b", fmt.Sprintf(`"%d"`, o.Tick)), shouts("square", fmt.Sprint(o.Tick)))
	}
	tr.fleet.scripts["b"] = once(0, tells("b", `"to oneself"`), shouts("square", `"from b"`))
	tr.run(t)
	var want []string
	for tick := range 3 {
		for _, from := range []string{"B", "a", "a-1", "b"} {
			if from == "b" {
				if tick == 0 {
					want = append(want, `{"from":"b","body":"to oneself"}`)
				}
				continue
			}
			want = append(want, fmt.Sprintf(`{"from":%q,"body":"%d"}`, from, tick),
				fmt.Sprintf(`{"from":%q,"channel":"square","body":%d}`, from, tick))
		}
	}
	// Within a tick the order is that of the senders' bytes.
	same(t, "mail of b", tr.heard(t, "b", 3), "["+strings.Join(want, ",")+`],"results":[]`)
	same(t, "mail of a", tr.heard(t, "a", 1),
		`[{"from":"B","channel":"square","body":0},{"from":"a-1","channel":"square","body":0},`+
			`{"from":"b","channel":"square","body":"from b"}],"results":[]`)
}

func TestMailToNobody(t *testing.T) {
	p := withChannels(planOf(4, nil, "a", "b", "gone", "out"),
		plan.Channel{Name: "den", Members: []string{"b"}})
	tr := newTrial(t, p)
	tr.fleet.scripts["gone"] = func(*agent.Observe) agent.Answer {
		return agent.Answer{Act: agent.Act{Done: true, Send: []agent.Send{tells("nobody", "0")}}}
	}
	tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
		st := world.Stepped{Observations: sees(tick+1, "a", "b")}
		if tick == 0 {
			st.Remove = []string{"out"}
		}
		return st, nil
	}
	long := []byte(`"` + strings.Repeat("x", maxMessage) + `"`)
	tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
		switch o.Tick {
		case 0: // out leaves after this tick, gone in it
			return acts("1", tells("gone", "1"), tells("out", "1"), tells("b", "1"))
		case 1:
			return acts("1", tells("nobody", "1"), tells("b", ""), tells("out", "1"), shouts("den", "1"),
				shouts("cave", "1"), agent.Send{Body: []byte("1")}, agent.Send{To: "b", Channel: "den"},
				agent.Send{To: "b", Body: long}, tells(strings.Repeat("n\n", 999), "1"))
		}
		return acts("1")
	}
	tr.run(t)
	send := func(tick, position int, where, why string) string {
		return fmt.Sprintf(`{"type":"send","tick":%d,"position":%d%s,"error":%q}`, tick, position, where, why)
	}
	same(t, "results in tick 1", tr.heard(t, "a", 1),
		`[],"results":[`+send(0, 0, `,"to":"gone"`, "that agent has ended")+`]`)
	same(t, "results in tick 2", tr.heard(t, "a", 2), `[],"results":[`+strings.Join([]string{
		send(1, 0, `,"to":"nobody"`, "no such agent"),
		send(1, 2, `,"to":"out"`, "that agent has ended"),
		send(1, 3, `,"channel":"den"`, "no such channel, or the sender is not in it"),
		send(1, 4, `,"channel":"cave"`, "no such channel, or the sender is not in it"),
		send(1, 5, ``, "a message goes either to an agent or to a channel"),
		send(1, 6, `,"to":"b","channel":"den"`, "a message goes either to an agent or to a channel"),
		send(1, 7, `,"to":"b"`, fmt.Sprintf("the message is too long: it may have %d bytes", maxMessage)),
		send(1, 8, `,"to":"`+strings.Repeat(`n\n`, maxName/7)+`n"`, "no such agent"),
	}, ",")+"]")
	same(t, "results in tick 3", tr.heard(t, "a", 3), `[],"results":[]`)
	same(t, "b in tick 1", tr.heard(t, "b", 1), `[{"from":"a","body":1}],"results":[]`)
	same(t, "b in tick 2", tr.heard(t, "b", 2), `[{"from":"a","body":null}],"results":[]`)
	var marks []bool
	for _, m := range tr.log.at(t, 1).Messages {
		marks = append(marks, m.Refused)
	}
	same(t, "which of the messages of tick 1 are refused", fmt.Sprint(marks), "[true false true true true true true true true]")
	same(t, "who ends is told nothing", len(tr.log.at(t, 0).Results), 1)
}

// What an agent writes to one that it may not write to is told back as what it
// writes to nobody, whether that one lives, has ended or sends in the same tick.
func TestMailToWhomOneMayNotWrite(t *testing.T) {
	p := planOf(3, nil, "a", "b", "c", "gone")
	p.Entries = append(p.Entries, p.Entries[0])
	p.Entries[1].Messages = &plan.Messages{To: []string{"c*"}}
	a, _ := p.Agent("a")
	a.Entry = 1
	tr := newTrial(t, p)
	tr.fleet.scripts["gone"] = func(*agent.Observe) agent.Answer { return agent.Answer{Act: agent.Act{Done: true}} }
	tr.fleet.scripts["a"] = func(*agent.Observe) agent.Answer {
		return acts("1", tells("b", "1"), tells("gone", "1"), tells("a", "1"), tells("nobody", "1"), tells("c", "1"))
	}
	tr.fleet.scripts["b"] = once(0, tells("a", "2"), tells("c", "2"))
	tr.run(t)
	for tick := range 2 {
		var want []string
		for position, to := range []string{"b", "gone", "a", "nobody"} {
			want = append(want, fmt.Sprintf(`{"type":"send","tick":%d,"position":%d,"to":%q,"error":"no such agent"}`, tick, position, to))
		}
		mail := []string{`[{"from":"b","body":2}]`, `[]`}[tick]
		same(t, "what a is told", tr.heard(t, "a", tick+1), mail+`,"results":[`+strings.Join(want, ",")+"]")
	}
	same(t, "b", tr.heard(t, "b", 1), `[],"results":[]`)
	same(t, "c", tr.heard(t, "c", 1), `[{"from":"a","body":1},{"from":"b","body":2}],"results":[]`)
}

func TestMailWaitsForATurnThatWasNotSent(t *testing.T) {
	tr := newTrial(t, planOf(4, nil, "a", "b"))
	tr.fleet.scripts["a"] = once(0, tells("b", "1"), tells("nobody", "1"))
	tr.fleet.scripts["b"] = func(o *agent.Observe) agent.Answer {
		switch o.Tick {
		case 1:
			return agent.Answer{Failure: agent.Deadline, Unsent: true}
		case 2:
			return fails(agent.Deadline, "")
		}
		return acts("1")
	}
	tr.run(t)
	mail := `[{"from":"a","body":1}],"results":[]`
	same(t, "tick 1", tr.heard(t, "b", 1), mail)
	same(t, "tick 2", tr.heard(t, "b", 2), mail)
	same(t, "tick 3", tr.heard(t, "b", 3), `[],"results":[]`)
}

func TestChannelsChangedByTheWorld(t *testing.T) {
	p := withChannels(planOf(5, nil, "a", "b", "c"),
		plan.Channel{Name: "den", Patterns: []string{"a", "wolf-*"}, Members: []string{"a"}},
		plan.Channel{Name: "field", Members: []string{"a", "b", "c"}})
	p.Entries = append(p.Entries, later("wolf-{n}", 5))
	tr := newTrial(t, p)
	tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
		st := world.Stepped{Observations: again(tick, actions)}
		switch tick {
		case 0: // set as it is: no change; who speaks now is heard by those who are in now
			st.Channels = []world.Channel{{Name: "field", Members: []string{"c", "a", "b"}}, {Name: "den", Members: []string{"b", "c", "b"}}}
		case 1: // patterns cover who comes later, also after the world has set the members
			st.Add = []world.Agent{{ID: "wolf-1"}}
		case 2:
			st.Remove = []string{"c"}
			st.Observations = sees(3, "a", "b", "wolf-1")
			st.Channels = []world.Channel{{Name: "field", Members: []string{"c", "wolf-1"}}}
		}
		return st, nil
	}
	tr.fleet.any = func(o *agent.Observe) agent.Answer {
		return acts("1", shouts("den", fmt.Sprint(o.Tick)))
	}
	tr.run(t)
	var changes []string
	for tick := range 5 {
		for _, c := range tr.log.at(t, tick).Channels {
			changes = append(changes, fmt.Sprint(tick, c))
		}
	}
	same(t, "changes", changes, []string{"0 {den [b c]}", "2 {field [wolf-1]}"})
	result := func(tick int) string {
		return fmt.Sprintf(`{"type":"send","tick":%d,"position":0,"channel":"den","error":"no such channel, or the sender is not in it"}`, tick)
	}
	den := func(tick int, from ...string) string {
		var list []string
		for _, f := range from {
			list = append(list, fmt.Sprintf(`{"from":%q,"channel":"den","body":%d}`, f, tick))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	same(t, "b, not in yet", tr.heard(t, "b", 1), `[],"results":[`+result(0)+"]")
	same(t, "b", tr.heard(t, "b", 2), den(1, "c")+`,"results":[]`)
	same(t, "c", tr.heard(t, "c", 2), den(1, "b")+`,"results":[]`)
	same(t, "a, put out", tr.heard(t, "a", 2), `[],"results":[`+result(1)+"]")
	same(t, "wolf-1", tr.heard(t, "wolf-1", 3), den(2, "b", "c")+`,"results":[]`)
	same(t, "b without c", tr.heard(t, "b", 4), den(3, "wolf-1")+`,"results":[]`)
}

func TestALineCarriesWhatFits(t *testing.T) {
	p := planOf(6, nil, "a", "b")
	tr := newTrial(t, p)
	big := func(n int) []byte { return append(append([]byte{'"'}, bytes.Repeat([]byte("y"), n-2)...), '"') }
	tr.world.step = func(tick int, _ []world.Action) (world.Stepped, error) {
		list := sees(tick+1, "a", "b")
		if tick == 0 {
			list[1].JSON = big(maxObservation - 3)
		}
		return world.Stepped{Observations: list}, nil
	}
	var sends []agent.Send
	for i := range 5 {
		sends = append(sends, agent.Send{To: "b", Body: append(fmt.Appendf(nil, "[%d,", i), append(big(400_000), ']')...)})
	}
	tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
		if o.Tick == 0 {
			return acts("1", sends...)
		}
		return acts("1", tells("b", fmt.Sprint(o.Tick)))
	}
	got := map[int]string{}
	tr.fleet.scripts["b"] = func(o *agent.Observe) agent.Answer {
		var list []string
		for _, m := range o.Messages {
			list = append(list, string(m.Body[:min(len(m.Body), 2)]))
		}
		got[o.Tick] = strings.Join(list, " ")
		return acts("1")
	}
	tr.run(t)
	same(t, "bodies by tick", got, map[int]string{0: "", 1: "", 2: "[0 [1", 3: "[2 [3", 4: "[4 1 2 3", 5: "4"})
}

func TestTheErrorOfASecondAttemptFitsToo(t *testing.T) {
	tr := newTrial(t, planOf(1, under(agent.InvalidAction, plan.Policy{Name: "retry"}), strings.Repeat(`"`, 200)))
	tr.world.ready = func(init world.Init) world.Ready {
		o := sees(0, init.Agents[0].ID)
		o[0].JSON = append(append([]byte{'"'}, bytes.Repeat([]byte("y"), maxObservation-5)...), '"')
		return world.Ready{Observations: o}
	}
	tr.fleet.any = func(*agent.Observe) agent.Answer {
		return fails(agent.InvalidAction, strings.Repeat("\x00é\xff", 1<<20))
	}
	tr.run(t)
	same(t, "asks", len(tr.fleet.asked), 2)
}

// TestMembersSetBesideABirth: what the world says of a channel stands over
// what its patterns say of who comes in the same tick.
func TestMembersSetBesideABirth(t *testing.T) {
	p := withChannels(planOf(3, nil, "a", "b"), plan.Channel{Name: "den", Patterns: []string{"*"}, Members: []string{"a", "b"}})
	p.Entries = append(p.Entries, later("wolf-{n}", 5))
	tr := newTrial(t, p)
	tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
		st := world.Stepped{Observations: again(tick, actions)}
		if tick == 0 {
			st.Add = []world.Agent{{ID: "wolf-1"}}
			st.Observations = sees(1, "a", "b", "wolf-1")
			st.Channels = []world.Channel{{Name: "den", Members: []string{"a", "b"}}}
		}
		return st, nil
	}
	tr.fleet.scripts["a"] = once(1, shouts("den", "1"))
	tr.run(t)
	same(t, "b", tr.heard(t, "b", 2), `[{"from":"a","channel":"den","body":1}],"results":[]`)
	same(t, "wolf-1", tr.heard(t, "wolf-1", 2), `[],"results":[]`)
}
