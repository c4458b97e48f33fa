package plan

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

const gatewayHead = `name: models
world: {kind: conversation, config: {rounds: 1}}
limits: {usd: 2.50}
`

// A tool goes through the gateway unless it says otherwise, a program where it says
// so; the gateway alone has the key.
func TestGateway(t *testing.T) {
	dir := folder(t, map[string]string{"key.txt": "sk", "prices.yaml": "models: [{model: m, input: 2, output: 4}]"})
	p, problems := expand(dir, gatewayHead+`secrets: {ANTHROPIC_API_KEY: {file: key.txt}, OPENAI: {file: key.txt}}
gateway:
  prices: prices.yaml
  anthropic: {concurrency: 3, first_byte: 30s}
  openai: {url: "http://127.0.0.1:9", key: OPENAI}
  budgets: {team: {agents: ["a*"], usd: 1}}
agents:
  - {id: a, kind: claude, limits: {usd: 0.25}}
  - {id: b, kind: claude, gateway: bypass}
  - {id: c, command: [cat], gateway: through, limits: {usd: 0.5}}
  - {id: d, command: [cat], limits: {usd: 0.5}}
`, Options{LookPath: toolThere})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	a, b, c, d := &p.Entries[0], &p.Entries[1], &p.Entries[2], &p.Entries[3]
	if !slices.Equal(a.Gateway, []string{"anthropic"}) || a.Credential != "" || a.Model.USD != 0 || a.Limits.USD != agent.Dollar/4 || a.Program.Network.Any {
		t.Errorf("a: %+v", a)
	}
	if b.Gateway != nil || b.Credential != "ANTHROPIC_API_KEY" || !b.Program.Network.Any {
		t.Errorf("b: %+v", b)
	}
	if !slices.Equal(c.Gateway, []string{"anthropic", "openai"}) || c.Limits.USD != agent.Dollar/2 {
		t.Errorf("c: %+v", c)
	}
	if d.Gateway != nil || d.Limits.USD != 0 || !slices.Equal(d.Unused, []string{"limits.usd"}) {
		t.Errorf("d: %+v", d)
	}
	want := &Gateway{
		Record: true, Prices: "models: [{model: m, input: 2, output: 4}]", Budgets: []Budget{{"team", []string{"a*"}, agent.Dollar}},
		Upstreams: []Upstream{{API: "anthropic", Key: "ANTHROPIC_API_KEY", Concurrency: 3, FirstByte: 30 * time.Second}, {API: "openai", URL: "http://127.0.0.1:9", Key: "OPENAI"}},
	}
	if !reflect.DeepEqual(p.Gateway, want) {
		t.Errorf("%+v", p.Gateway)
	}
	text, err := json.Marshal(p)
	var again Plan
	if err == nil {
		err = json.Unmarshal(text, &again)
	}
	if err != nil || !reflect.DeepEqual(again.Gateway, want) {
		t.Errorf("read back: %+v, %v", again.Gateway, err)
	}
}

// What would let a key reach an agent, or an agent around the gateway, is told.
func TestGatewayProblems(t *testing.T) {
	dir := folder(t, map[string]string{"key.txt": "sk", "bad.yaml": "models: [{model: m}]"})
	key, through := "secrets: {ANTHROPIC_API_KEY: {file: key.txt}}\n", ", command: [cat], gateway: through}]"
	for _, c := range []struct{ yaml, want string }{
		{key + "agents: [{id: a, kind: claude, env: {ANTHROPIC_BASE_URL: x}}]", "agents[0].env.ANTHROPIC_BASE_URL: the agent reaches its model through the gateway, which sets this"},
		{key + "agents: [{id: a, secrets: [ANTHROPIC_API_KEY]" + through, "agents[0].secrets[0]: ANTHROPIC_API_KEY is the gateway's key, which no agent gets"},
		{key + "agents: [{id: a, replicas: 2, per_process: 2" + through, "agents[0].id"},
		{key + `agents: [{id: "a-{n}", replicas: 2, per_process: 2` + through, "agents[0].per_process: the gateway tells agents apart by their processes"},
		{"agents: [{id: a" + through, "agents[0].gateway: the gateway has no API to let it through to"},
		{"secrets: {CLAUDE_CODE_OAUTH_TOKEN: {file: key.txt}}\nagents: [{id: a, kind: claude}]", "agents[0].kind: kind claude needs a key"},
		{key + "gateway: {anthropic: {key: NONE}}\nagents: [{id: a, kind: claude}]", `gateway.anthropic.key: the scenario has no secret "NONE"`},
		{key + "gateway: {prices: bad.yaml}\nagents: [{id: a, kind: claude}]", "gateway.prices: cannot read the table of prices: m wants input"},
		{key + "gateway: {prices: none.yaml}\nagents: [{id: a, kind: claude}]", "gateway.prices: open "},
		{key + "gateway: {budgets: {x: {agents: [z], usd: 1}}}\nagents: [{id: a, kind: claude}]", `gateway.budgets.x.agents[0]: no agent matches "z"`},
	} {
		_, problems := expand(dir, gatewayHead+c.yaml, Options{LookPath: toolThere})
		if len(problems) == 0 || !strings.HasPrefix(problems[0].Message, c.want) {
			t.Errorf("%s: got %v", c.yaml, problems)
		}
	}
}
