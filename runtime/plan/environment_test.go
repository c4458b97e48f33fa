package plan

import "testing"

func TestBuiltInWorlds(t *testing.T) {
	const game = "world: {kind: matrix-game, config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 2"
	for _, c := range []struct{ name, yaml, want string }{
		{"good", game + `}}
agents: [{id: "a-{n}", replicas: 2, command: [cat]}]`, ""},
		{"noop", game + `, noop: D}}
on_failure: {deadline: noop}
agents: [{id: "a-{n}", replicas: 2, command: [cat]}]`, ""},
		{"no noop", game + `}}
on_failure: {deadline: noop}
agents: [{id: "a-{n}", replicas: 2, command: [cat], on_failure: {crash: noop}}]`,
			`3:24: on_failure.deadline: the world matrix-game has no action that does nothing (use skip, or {action: …} with an action of the game)
4:73: agents[0].on_failure.crash: the world matrix-game has no action that does nothing (use skip, or {action: …} with an action of the game)`},
		{"config", `world: {kind: conversation, config: {round: 3}}
agents: [{id: a, command: [cat]}]`,
			`2:29: world.config.rounds: missing; a whole number is wanted ()
2:45: world.config.round: unknown key; known keys: order, rounds, topic ()`},
		{"agents", game + `}}
agents: [{id: a, command: [cat]}]`,
			`2:1: world: cannot start the round robin: 1 agents where at least two are wanted ()`},
	} {
		t.Run(c.name, func(t *testing.T) {
			told(t, t.TempDir(), "name: t\n"+c.yaml+"\n", nil, c.want)
		})
	}
}
