package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

func withFaults(p *plan.Plan, faults ...plan.Fault) *plan.Plan {
	for i := range faults {
		if faults[i].P == 0 {
			faults[i].P = 1
		}
	}
	p.Faults = faults
	return p
}

func square(ids ...string) plan.Channel {
	return plan.Channel{Name: "square", Patterns: []string{"*"}, Members: ids}
}

var toSquare = &plan.Traffic{Channel: "square", Sender: "*"}

// at is a fault's only tick.
func at(tick int, f plan.Fault) plan.Fault {
	f.From, f.Until = tick, tick+1
	return f
}

func TestFaultsOfMessages(t *testing.T) {
	direct := &plan.Traffic{Sender: "a", Recipient: "*"}
	p := withFaults(withChannels(planOf(9, nil, "a", "b", "c"), square("a", "b", "c")),
		at(0, plan.Fault{Kind: plan.FaultDrop, Traffic: toSquare}),
		at(1, plan.Fault{Kind: plan.FaultDuplicate, Traffic: direct}),
		at(2, plan.Fault{Kind: plan.FaultDelay, Ticks: 2, Traffic: toSquare}),
		at(2, plan.Fault{Kind: plan.FaultDuplicate, Traffic: toSquare}),
		at(3, plan.Fault{Kind: plan.FaultDrop, Traffic: direct}),
		at(3, plan.Fault{Kind: plan.FaultDuplicate, Traffic: direct}),
		at(5, plan.Fault{Kind: plan.FaultPartition, Groups: [][]string{{"a"}, {"b"}}}),
		at(6, plan.Fault{Kind: plan.FaultDelay, Ticks: 9, Traffic: direct}), // longer than the run
	)
	tr := newTrial(t, p)
	tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
		return acts("1", shouts("square", fmt.Sprint(o.Tick)), tells("b", fmt.Sprint(o.Tick)), tells("nobody", "0"))
	}
	tr.fleet.scripts["b"] = once(5, shouts("square", `"b"`), tells("a", `"b"`))
	tr.run(t)
	channel := func(n int) string { return fmt.Sprintf(`{"from":"a","channel":"square","body":%d}`, n) }
	message := func(n int) string { return fmt.Sprintf(`{"from":"a","body":%d}`, n) }
	want := map[int][]string{
		1: {message(0)}, 2: {channel(1), message(1), message(1)}, 3: {message(2)}, 4: {channel(3)},
		5: {channel(2), channel(2), channel(4), message(4)}, 6: nil, 7: {channel(6)}, 8: {channel(7), message(7)},
	}
	for tick, list := range want {
		same(t, fmt.Sprintf("b in tick %d", tick), tr.heard(t, "b", tick), "["+strings.Join(list, ",")+`],"results":[]`)
	}
	// Who is in no group hears all, and a is told of no fault.
	same(t, "c in tick 6", tr.heard(t, "c", 6), "["+channel(5)+`,{"from":"b","channel":"square","body":"b"}],"results":[]`)
	for tick := 1; tick < 9; tick++ {
		same(t, fmt.Sprintf("a in tick %d", tick), tr.heard(t, "a", tick),
			fmt.Sprintf(`[],"results":[{"type":"send","tick":%d,"position":2,"to":"nobody","error":"no such agent"}]`, tick-1))
	}
	var fates []string
	for tick := range 9 {
		rec := tr.log.at(t, tick)
		for i, m := range rec.Messages {
			if m.Fate != nil {
				fates = append(fates, fmt.Sprintf("%d.%d%v", tick, i, *m.Fate))
			}
		}
		for _, p := range rec.Partitions {
			fates = append(fates, fmt.Sprintf("%d%v", tick, p))
		}
	}
	same(t, "fates", fates, "[0.0{0 0 0} 1.1{2 0 0} 2.0{2 2 0} 3.1{0 0 0} 5.0{1 0 1} 5.1{1 0 1} 5.3{1 0 1} 5.4{1 0 1} 5{[[a] [b]]} 6.1{1 9 0}]")
}

// TestADelayedMessageFindsWhoIsThere: it goes to those who were in the channel
// when it was sent and still live when it comes.
func TestADelayedMessageFindsWhoIsThere(t *testing.T) {
	p := withFaults(withChannels(planOf(6, nil, "a", "b", "c"), square("a", "b", "c")),
		at(0, plan.Fault{Kind: plan.FaultDelay, Ticks: 2, Traffic: toSquare}))
	p.Entries = append(p.Entries, later("wolf-{n}", 5))
	tr := newTrial(t, p)
	tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
		st := world.Stepped{Observations: again(tick, actions)}
		if tick == 0 {
			st.Add, st.Remove = []world.Agent{{ID: "wolf-1"}}, []string{"c"}
			st.Observations = sees(1, "a", "wolf-1") // b waits
			st.Channels = []world.Channel{{Name: "square", Members: []string{"a", "wolf-1"}}}
		}
		if tick == 3 {
			st.Observations = sees(4, "a", "b", "wolf-1")
		}
		return st, nil
	}
	tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
		return acts("1", shouts("square", fmt.Sprint(o.Tick)), tells("b", fmt.Sprint(o.Tick)))
	}
	tr.run(t)
	mail := func(channel bool, n int) string {
		if channel {
			return fmt.Sprintf(`{"from":"a","channel":"square","body":%d}`, n)
		}
		return fmt.Sprintf(`{"from":"a","body":%d}`, n)
	}
	same(t, "b", tr.heard(t, "b", 4), "["+strings.Join([]string{mail(false, 0), mail(false, 1), mail(true, 0), mail(false, 2), mail(false, 3)}, ",")+`],"results":[]`)
	same(t, "wolf-1", tr.heard(t, "wolf-1", 3), "["+mail(true, 2)+`],"results":[]`)
}

// TestDraws: they hang on nothing but their key, and come as often as they
// should.
func TestDraws(t *testing.T) {
	p := withFaults(planOf(0, nil), plan.Fault{P: 0.3}, plan.Fault{P: 0.3}, plan.Fault{P: 1}, plan.Fault{P: 1e-12}, plan.Fault{Kind: plan.FaultDrop, P: 0.3})
	count := func(fault int, other func(tick int, id string, position int) bool) (n, equal int) {
		for tick := range 40 {
			for i := range 25 {
				for position := range 10 {
					id := fmt.Sprintf("a-%d", i)
					d := drawn(p, fault, tick, id, position)
					if d {
						n++
					}
					if d == other(tick, id, position) {
						equal++
					}
				}
			}
		}
		return n, equal
	}
	for name, other := range map[string]func(tick int, id string, position int) bool{
		"fault":    func(tick int, id string, position int) bool { return drawn(p, 1, tick, id, position) },
		"tick":     func(tick int, id string, position int) bool { return drawn(p, 0, tick+1, id, position) },
		"agent":    func(tick int, id string, position int) bool { return drawn(p, 0, tick, id+"1", position) },
		"position": func(tick int, id string, position int) bool { return drawn(p, 0, tick, id, position+1) },
		"seed": func(tick int, id string, position int) bool {
			other := *p
			other.Seed++
			return drawn(&other, 0, tick, id, position)
		},
		"kind": func(tick int, id string, position int) bool { return drawn(p, 4, tick, id, position) },
	} {
		// 3,000 ± 46 of 10,000; independent ones agree in 0.3² + 0.7² of all.
		if n, equal := count(0, other); n < 2800 || n > 3200 || equal < 5600 || equal > 6000 {
			t.Errorf("another %s: %d of 10,000 come about, %d are as the other's", name, n, equal)
		}
	}
	without := *p
	without.Faults = p.Faults[4:] // what others there are does not matter
	if _, equal := count(4, func(tick int, id string, position int) bool { return drawn(&without, 0, tick, id, position) }); equal != 10000 {
		t.Errorf("without other faults %d of 10,000 are the same", equal)
	}
	never := func(int, string, int) bool { return false }
	if n, _ := count(2, never); n != 10000 {
		t.Errorf("certain, %d of 10,000 come about", n)
	}
	if n, _ := count(3, never); n != 0 {
		t.Errorf("as good as impossible, %d of 10,000 come about", n)
	}
}

// A notebook is a ledger in memory.
type notebook struct {
	fired map[record.Firing]bool
	fail  error
}

func (n *notebook) Fired(x record.Firing) bool { return n.fired[x] }

func (n *notebook) Fire(list []record.Firing) error {
	for _, x := range list {
		n.fired[x] = true
	}
	return n.fail
}

// struckTrial has faults of processes; deaths says in which ticks Die was called.
func struckTrial(t *testing.T, ledger *notebook, faults ...plan.Fault) (tr *trial, deaths *int) {
	tr = newTrial(t, withFaults(planOf(4, nil, "a", "b-1", "b-2"), faults...))
	tr.cfg.Ledger, deaths = ledger, new(int)
	tr.cfg.Die = func() { *deaths++; tr.cfg.Fleet = nil; panic("dead") }
	tr.world.ready = func(world.Init) world.Ready { return world.Ready{Observations: sees(0, "a", "b-1")} }
	return tr, deaths
}

func TestFaultsOfProcesses(t *testing.T) {
	ledger := &notebook{fired: map[record.Firing]bool{}}
	faults := []plan.Fault{
		at(1, plan.Fault{Kind: plan.FaultKill, Agents: "b-*"}),
		at(1, plan.Fault{Kind: plan.FaultPause, Agents: "*1", For: 7}),
		at(2, plan.Fault{Kind: plan.FaultPause, Agents: "a", For: 5}),
	}
	tr, _ := struckTrial(t, ledger, faults...)
	tr.fleet.scripts["b-1"] = func(o *agent.Observe) agent.Answer {
		if o.Tick == 1 && o.Attempt == 1 {
			return fails(agent.InvalidAction, "asked again, it is not hit again")
		}
		return acts("1")
	}
	tr.cfg.Plan.Entries[0].Policies = under(agent.InvalidAction, plan.Policy{Name: "retry"})
	tr.run(t)
	same(t, "asked", tr.fleet.strikes, "[1 b-1 {Kill:true Pause:7ns} 2 a {Kill:false Pause:5ns}]")
	same(t, "not asked", tr.fleet.struck, "[b-2 {Kill:true Pause:0s}]")
	want := []string{"b-1 fault 1 kill (faults[0])", "b-2 fault 1 kill (faults[0])", "b-1 fault 1 pause for 7ns (faults[1])", "a fault 2 pause for 5ns (faults[2])"}
	same(t, "facts", faultFacts(t, tr), want)

	// What has fired does not fire again, and is on record all the same.
	delete(ledger.fired, record.Firing{Fault: 2, Tick: 2, Agent: "a"})
	again, _ := struckTrial(t, ledger, faults...)
	again.fleet.scripts["b-1"] = func(*agent.Observe) agent.Answer { return acts("1") }
	again.run(t)
	same(t, "asked again", again.fleet.strikes, "[2 a {Kill:false Pause:5ns}]")
	same(t, "facts again", faultFacts(t, again)[:2], []string{
		"b-1 fault 1 kill (faults[0]), before the run was resumed", "b-2 fault 1 kill (faults[0]), before the run was resumed",
	})
	same(t, "hash", again.log.hashes[3], tr.log.hashes[3])
}

func faultFacts(t *testing.T, tr *trial) (all []string) {
	for tick := range tr.log.records {
		for _, f := range tr.log.at(t, tick).Annex.Facts {
			if f.Kind == "fault" {
				all = append(all, fmt.Sprintf("%s %s %d %s", f.Agent, f.Kind, f.Tick, f.Detail))
			}
		}
	}
	return all
}

func TestTheSupervisorDiesOnce(t *testing.T) {
	ledger := &notebook{fired: map[record.Firing]bool{}}
	kill := at(2, plan.Fault{Kind: plan.FaultSupervisor})
	tr, deaths := struckTrial(t, ledger, kill)
	func() {
		defer func() { same(t, "died", recover(), "dead") }()
		tr.run(t)
	}()
	same(t, "deaths and ticks", fmt.Sprint(*deaths, len(tr.log.records)), "1 2")
	asked := 0
	for _, l := range tr.fleet.asked {
		if strings.Contains(l, `"tick":2`) {
			asked++
		}
	}
	same(t, "asked in tick 2 before", asked, 2)
	next, deaths := struckTrial(t, ledger, kill)
	next.run(t)
	same(t, "deaths later", *deaths, 0)
	same(t, "facts", faultFacts(t, next), "[ fault 2 kill (faults[0]), before the run was resumed]")
}

func TestAFaultThatCannotBeNotedStopsTheRun(t *testing.T) {
	tr, _ := struckTrial(t, &notebook{fired: map[record.Firing]bool{}, fail: fmt.Errorf("disk full")}, at(1, plan.Fault{Kind: plan.FaultKill, Agents: "a"}))
	_ = tr.fault(t, "cannot put faults in at tick 1", "disk full")
	same(t, "ticks and strikes", fmt.Sprint(len(tr.log.records), tr.fleet.strikes), "1 []")
	tr, _ = struckTrial(t, nil, plan.Fault{Kind: plan.FaultKill, Agents: "a"})
	tr.cfg.Ledger = nil
	_ = tr.fault(t, "need a ledger")
	tr, _ = struckTrial(t, nil, plan.Fault{Kind: "flood"})
	_ = tr.fault(t, `faults[0]: unknown kind "flood"`)
}

// TestNoFaultFiresInATickThatIsNotAsked: it would be told of as fired when the
// tick is played again, and would never have acted.
func TestNoFaultFiresInATickThatIsNotAsked(t *testing.T) {
	ledger := &notebook{fired: map[record.Firing]bool{}}
	tr, deaths := struckTrial(t, ledger,
		at(1, plan.Fault{Kind: plan.FaultKill, Agents: "b-1"}), at(1, plan.Fault{Kind: plan.FaultSupervisor}))
	tr.cfg.Plan.Entries[0].Limits.Turns = 1
	tr.cfg.Plan.Entries[0].Policies = under(agent.Limit, plan.Policy{Name: "stop"})
	tr.fleet.costs = map[string]agent.Usage{"a": {Turns: 1}}
	_ = tr.fault(t, "(limit)", "its policy is stop")
	same(t, "fired", fmt.Sprint(len(ledger.fired), *deaths, tr.fleet.strikes, tr.fleet.struck), "0 0 [] []")
}
