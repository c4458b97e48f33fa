package plan

import (
	"fmt"
	"strings"
	"testing"
)

const village = head + `seed: 1
channels: {square: {members: ["*"]}}
on_failure: {deadline: skip}
agents:
  - {id: "villager-{n}", replicas: 4, per_process: 2, command: [cat], config: {goods: {corn: 1}, n: "{n}"}}
  - {id: "rabbit-{n}", replicas: 2, max: 9, command: [cat]}
  - {id: mayor, command: [cat]}
`

// entries shows what a plan made of its entries: id, kind, the agents at the
// start, and the patterns that tell entries apart.
func entries(p *Plan) string {
	var lines []string
	for i, e := range p.Entries {
		var of []string
		for _, a := range p.Agents {
			if a.Entry == i {
				of = append(of, a.ID)
			}
		}
		lines = append(lines, fmt.Sprintf("%d %s %s %v only %v except %v", e.Item, e.ID, e.Kind, of, e.Only, e.Except))
	}
	return strings.Join(lines, "\n")
}

func TestSetScenario(t *testing.T) {
	p := mustExpand(t, t.TempDir(), village, "seed=7", "clock.ticks=12", "clock.ticks=13", "world.config.turns=10",
		"world.config={b: 1}", "on_failure.deadline={action: 5}", "channels.square.members=[mayor]", "name=other")
	same(t, "name, seed and ticks", fmt.Sprint(p.Name, p.Seed, p.Clock.Ticks), "other7 13")
	same(t, "config", string(p.World.Config), `{"b":1,"turns":10}`)
	same(t, "policy", toJSON(t, p.Entries[0].Policies["deadline"]), `{"name":"action","action":5}`)
	same(t, "members", toJSON(t, p.Channels[0].Members), `["mayor"]`)
}

func TestSetSplitsEntries(t *testing.T) {
	p := mustExpand(t, t.TempDir(), village, "agents.villager-3.config.goods.rye=5",
		"agents.villager-3.config.n='{n} of 4'", "agents.*.deadline=1s", "agents.mayor.kind=exec", "agents.mayor.on_failure.crash=abort")
	same(t, "entries", entries(p), `0 villager-{n} stdio [villager-1 villager-2 villager-4] only [*] except [villager-3]
0 villager-{n} stdio [villager-3] only [villager-3 *] except []
1 rabbit-{n} stdio [rabbit-1 rabbit-2] only [*] except []
2 mayor exec [mayor] only [* mayor] except []`)
	same(t, "config", string(p.Agents[5].Config), `{"goods":{"corn":1,"rye":5},"n":"3 of 4"}`)
	same(t, "config of another", string(p.Agents[4].Config), `{"goods":{"corn":1},"n":2}`)
	var hosts []string
	for _, process := range p.Processes {
		hosts = append(hosts, process.ID+"="+strings.Join(process.Agents, ","))
	}
	same(t, "processes", strings.Join(hosts, " "),
		"villager-p1=villager-1,villager-2 villager-4=villager-4 villager-3=villager-3 rabbit-1=rabbit-1 rabbit-2=rabbit-2 mayor=mayor")
	same(t, "policy", p.Entries[3].Policies["crash"].Name, "abort")
	same(t, "deadline", p.Entries[0].Deadline.String(), "1s")
	same(t, "directories", p.Entries[0].Program.Dir+" "+p.Entries[1].Program.Dir, "1-villager 2-villager")
}

func TestSetReachesLaterAgents(t *testing.T) {
	p := mustExpand(t, t.TempDir(), village, "agents.rabbit-*.config.a=1", "agents.rabbit-1*.config.b=2", "agents.rabbit-7.config.c=3")
	same(t, "entries", entries(p), `0 villager-{n} stdio [villager-1 villager-2 villager-3 villager-4] only [] except []
1 rabbit-{n} stdio [rabbit-1] only [rabbit-* rabbit-1*] except [rabbit-7]
1 rabbit-{n} stdio [rabbit-2] only [rabbit-*] except [rabbit-1* rabbit-7]
1 rabbit-{n} stdio [] only [rabbit-* rabbit-7] except [rabbit-1*]
2 mayor stdio [mayor] only [] except []`)
	for id, want := range map[string]string{
		"rabbit-3": `{"a":1}`, "rabbit-12": `{"a":1,"b":2}`, "rabbit-7": `{"a":1,"c":3}`, "rabbit-70": `{"a":1}`,
	} {
		a, _, err := p.Admit(id, nil, func(int) int { return 1 })
		if err != nil {
			t.Fatal(err)
		}
		same(t, id, string(a.Config), want)
	}
	_, _, err := p.Admit("rabbit-3", nil, func(int) int { return 3 })
	same(t, "full", fmt.Sprint(err), "cannot add agent rabbit-3: 9 agents of rabbit-{n} are alive, as many as its max allows")
}

func TestSetLeavesTheScenario(t *testing.T) {
	dir := t.TempDir()
	before := toJSON(t, mustExpand(t, dir, village))
	mustExpand(t, dir, village, "agents.villager-1.config.goods.corn=9", "channels.square.members=[mayor]")
	same(t, "plan", toJSON(t, mustExpand(t, dir, village)), before)
}

func TestMistakesInSets(t *testing.T) {
	for _, m := range []struct{ name, set, want string }{
		{"nobody", "agents.wolf-*.kind=stdio", `--set agents.wolf-*.kind=stdio: no agent matches "wolf-*" ()`},
		{"fixed", "agents.*.replicas=3", `--set agents.*.replicas=3: replicas cannot be set: it says which agents there are, and --set acts on those (change it in the scenario)`},
		{"no key", "agents.mayor=3", `--set agents.mayor=3: this names no key of an agent (such as agents.villager-*.kind=stdio)`},
		{"no value", "seed", `--set seed: cannot read --set "seed": no equals sign: want path=value, such as world.config.turns=10 ()`},
		{"unknown kind", "agents.mayor.kind=x", `--set agents.mayor.kind=x: unknown kind "x" (the kinds are claude, codex, exec, human, nats, recorded, stdio)`},
		{"missing program", "agents.mayor.command=[nix, a.py]", `--set agents.mayor.command=[nix, a.py]: no program "nix" in PATH, nor a file of that name beside the scenario (install it, or name a file beside the scenario)
--set agents.mayor.command=[nix, a.py]: no such file beside the scenario: a.py (it is looked for in DIR)`},
		{"channel", "channels.square.members=[x]", `--set channels.square.members=[x]: no agent matches "x" (the agents are villager-{n}, rabbit-{n}, mayor)`},
		{"too many", "many", `8:42: agents[1].max: the patterns of --set tell too many kinds of later agents apart: 512 (use fewer patterns, or broader ones)`},
	} {
		t.Run(m.name, func(t *testing.T) {
			sets := []string{m.set}
			if m.set == "many" {
				sets = nil
				for i := range 9 {
					sets = append(sets, fmt.Sprintf("agents.rabbit-%d*.deadline=1s", i+1))
				}
			}
			told(t, t.TempDir(), village, sets, m.want)
		})
	}
	_, problems := expand(t.TempDir(), village, Options{Sets: []string{"agents.mayor.kin=x", "clock.tick=3"}})
	same(t, "told by the decoder", len(problems), 2)
}
