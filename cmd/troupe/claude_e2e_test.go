//go:build e2e

package main

import (
	"reflect"
	"testing"
)

// dilemma is a round robin of eight, 14 ticks long.
const dilemma = `name: eight
seed: 8
clock: {deadline: 3m}
limits: {usd: 10}
secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}}
gateway: {anthropic: {url: "$MODEL"}}
world:
  kind: matrix-game
  config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 3}
agents:
  - id: "{name}"
    for_each: [{name: alternator}, {name: cooperator}, {name: defector}, {name: grudger},
      {name: suspicious-tit-for-tat}, {name: tit-for-tat}, {name: tit-for-two-tats}, {name: win-stay-lose-shift}]
    kind: claude
    model: haiku
    system: {text: "` + player + `"}
    flags: [--tools, ""]
    command: [troupe, bot, "{name}"]
collect: [C, D]
`

// Eight models play out what eight bots do, to the byte, because each of them
// is told what happened and keeps it.
func TestE2EClaudeDilemma(t *testing.T) {
	t.Parallel()
	bots := newClaudeRun(t, dilemma, strategist)
	want := bots.play(t, "--set", "agents.*.kind=stdio")
	if n := len(bots.model.Requests()); n > 0 {
		t.Errorf("bots asked the model %d times", n)
	}
	c := newClaudeRun(t, dilemma, strategist)
	got := c.play(t)
	if got.Hash != want.Hash || !reflect.DeepEqual(got.Scores, want.Scores) || got.Outcomes["action"] != 8*got.Ticks || got.Timed != 0 {
		t.Errorf("%+v\nwant what bots play, %+v", got, want)
	}
}
