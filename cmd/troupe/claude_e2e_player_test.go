//go:build e2e

package main

import (
	"encoding/json"
	"regexp"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// player is the system prompt of a player: the model knows by it whose
// request it answers.
const player = `You are player {{.agent.id}}.`

var (
	playerIs   = regexp.MustCompile(`You are (?:player )?([a-z0-9-]+)[.,]`)
	askedInAll = regexp.MustCompile(`(?s)Tick (\d+)\..*?You observe: ([^\n]*)`)
)

// playerOf names the agent that a request is from.
func playerOf(r *modeltest.Request) string {
	if found := playerIs.FindStringSubmatch(r.System); found != nil {
		return found[1]
	}
	return ""
}

// A toldTick is what a player was told in one tick of matrix-game.
type toldTick struct {
	tick  int
	Turn  int
	Last  *struct{ You, Opponent string }
	Asked int // how often
}

// toldTicks reads the conversation's ticks, the newest last. Asked again, a
// player sees the same observation.
func toldTicks(r *modeltest.Request) []toldTick {
	var all []toldTick
	for _, m := range r.Messages {
		for _, b := range m.Blocks {
			if m.Role != "user" || b.Type != "text" {
				continue
			}
			for _, found := range askedInAll.FindAllStringSubmatch(b.Text, -1) {
				var now toldTick
				now.tick, _ = strconv.Atoi(found[1])
				if json.Unmarshal([]byte(found[2]), &now) != nil {
					continue
				}
				if n := len(all); n > 0 && all[n-1].tick == now.tick {
					all[n-1].Asked++
					continue
				}
				now.Asked = 1
				all = append(all, now)
			}
		}
	}
	return all
}

// tickOf is the tick that a request is for, or -1.
func tickOf(r *modeltest.Request) int {
	if all := toldTicks(r); len(all) > 0 {
		return all[len(all)-1].tick
	}
	return -1
}

// A strategy decides whether to cooperate by the moves of the match so far.
var claudeStrategies = map[string]func(mine, theirs string) bool{
	"alternator":             func(mine, _ string) bool { return len(mine)%2 == 0 },
	"cooperator":             func(_, _ string) bool { return true },
	"defector":               func(_, _ string) bool { return false },
	"grudger":                func(_, theirs string) bool { return !has(theirs, 'D', len(theirs)) },
	"suspicious-tit-for-tat": func(_, theirs string) bool { return theirs != "" && !has(theirs, 'D', 1) },
	"tit-for-tat":            func(_, theirs string) bool { return !has(theirs, 'D', 1) },
	"tit-for-two-tats": func(_, theirs string) bool {
		return len(theirs) < 2 || !has(theirs, 'D', 1) || !has(theirs[:len(theirs)-1], 'D', 1)
	},
	"win-stay-lose-shift": func(mine, theirs string) bool { return has(mine, 'D', 1) == has(theirs, 'D', 1) },
}

// has says whether a move is among the last n.
func has(moves string, move byte, n int) bool {
	for i := len(moves) - 1; i >= max(0, len(moves)-n); i-- {
		if moves[i] == move {
			return true
		}
	}
	return false
}

// strategist plays what the player's id says, or else grudger, by nothing but
// the conversation: one that has lost its past plays otherwise.
func strategist(r *modeltest.Request) modeltest.Reply {
	decide := claudeStrategies[playerOf(r)]
	if decide == nil {
		decide = claudeStrategies["grudger"]
	}
	all := toldTicks(r)
	if len(all) == 0 {
		return modeltest.Reply{Text: "nobody told me what I see"}
	}
	first := len(all) - 1 - all[len(all)-1].Turn // of this match
	if first < 0 {
		return modeltest.Reply{Text: "I have forgotten how this match began"}
	}
	var mine, theirs string
	for _, t := range all[first+1:] {
		mine, theirs = mine+t.Last.You, theirs+t.Last.Opponent
	}
	move := "D"
	if decide(mine, theirs) {
		move = "C"
	}
	return modeltest.Reply{Text: `I have thought about it: {"action": {"move": "` + move + `"}}`}
}
