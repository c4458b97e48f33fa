package plan

import (
	"slices"
	"testing"
)

func TestRelimit(t *testing.T) {
	dir := folder(t, map[string]string{"key.txt": "sk-ant-canary\n"})
	p, problems := expand(dir, modelHead+`agents:
  - {id: "rich-{n}", replicas: 3, kind: claude, gateway: bypass, limits: {usd: 7, turns: 9}}
  - {id: poor, kind: claude, gateway: bypass, limits: {usd: 1}}
`, Options{LookPath: toolThere, Sets: []string{"agents.rich-3.limits.usd=8"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, c := range []struct{ set, want string }{
		{"agents.rich-1.limits.usd=5", `cannot set agents.rich-1.limits.usd=5: "rich-1" covers some agents of rich-{n} and not others, and a run under way has one limit for all of an entry: set it for rich-*`},
		{"agents.nobody.limits.usd=5", `cannot set agents.nobody.limits.usd=5: "nobody" covers no agent of the run`},
		{"agents.rich-3.limits.usd=9", "<nil>"},
		{"agents.*r.limits.turns=none", "<nil>"},
		{"agents.poor.limits.usd=none", "<nil>"},
	} {
		err := Relimit(p, []string{c.set})
		got := "<nil>"
		if err != nil {
			got = err.Error()
		}
		same(t, c.set, got, c.want)
	}
	for i, want := range []string{"7", "7", "9", ""} {
		command := p.Processes[i].Command
		got := ""
		if at := slices.Index(command, "--max-budget-usd"); at >= 0 {
			got = command[at+1]
		}
		same(t, "the bound of "+p.Processes[i].ID, got, want)
	}
}
