package main

import (
	"fmt"
	"strings"
)

// policyForms are how a scenario writes each policy; default writes none.
var policyForms = map[string]string{
	"default": "", "skip": "skip", "noop": "noop", "wait": "wait", "continue": "continue", "stop": "stop", "abort": "abort",
	"retry": "{retry: {attempts: 3}}", "restart": "{restart: {attempts: 2}}", "action": "{action: {stays: true}}",
	"substitute": `{substitute: {command: [faulty, says, '{"stands":"in"}']}}`,
}

// What a cell of the table says beside a history.
const (
	refused = "refused"  // validation says that the policy does nothing about the failure
	stopped = "stopped"  // the run stops resumably before the tick
	aborted = "aborted " // with the history: the run ends for good with the tick
)

// policyCells is the table of failures and policies: the history of an agent
// that fails in tick 0, or in tick 1 where it needs a past. Who never answers is busy in tick 1, and who cannot be
// started fails there too; all others answer well.
var policyCells = map[string]map[string]string{
	"deadline": {
		"default":    `deadline/skip null; deadline/skip null unsent; 2 failed; 1 started`,
		"skip":       `deadline/skip null; deadline/skip null unsent; 2 failed; 1 started`,
		"noop":       `deadline/noop {"idles":true}; deadline/noop {"idles":true} unsent; 2 failed; 1 started`,
		"action":     `deadline/action {"stays":true}; deadline/action {"stays":true} unsent; 2 failed; 1 started`,
		"restart":    `deadline/restart null; deadline/restart null unsent; 2 failed; 2 started`,
		"substitute": `/substitute {"stands":"in"}; / {"stands":"in"}; 1 attempts; 1 substituted; 2 started`,
		"abort":      aborted + `deadline/abort null; 1 failed; 1 started`,
		"stop":       stopped, "retry": refused, "wait": refused, "continue": refused,
	},
	"crash": {
		"default":    `crash/restart null; / {"attempt":1}; 3 crashed; 4 started`,
		"restart":    `crash/restart null; / {"attempt":1}; 2 crashed; 3 started`,
		"skip":       `crash/skip null; / {"attempt":1}; 1 crashed; 2 started`,
		"noop":       `crash/noop {"idles":true}; / {"attempt":1}; 1 crashed; 2 started`,
		"action":     `crash/action {"stays":true}; / {"attempt":1}; 1 crashed; 2 started`,
		"substitute": `/substitute {"stands":"in"}; / {"stands":"in"}; 1 attempts; 1 crashed; 1 substituted; 2 started`,
		"abort":      aborted + `crash/abort null; 1 crashed; 1 started`,
		"stop":       stopped, "retry": refused, "wait": refused, "continue": refused,
	},
	"spawn": {
		"default":    stopped,
		"skip":       `spawn/skip null unsent; spawn/skip null unsent; 2 failed`,
		"noop":       `spawn/noop {"idles":true} unsent; spawn/noop {"idles":true} unsent; 2 failed`,
		"action":     `spawn/action {"stays":true} unsent; spawn/action {"stays":true} unsent; 2 failed`,
		"substitute": `/substitute {"stands":"in"}; / {"stands":"in"}; 1 attempts; 1 substituted; 1 started`,
		"wait":       `/ {"healed":true}; / {"healed":true}; 1 started`,
		"abort":      aborted + `spawn/abort null unsent; 1 failed`,
		"stop":       stopped, "retry": refused, "restart": refused, "continue": refused,
	},
	"invalid_action": mending("invalid_action"),
	"oversize":       mending("oversize"),
	"limit":          declining("limit", "skip", 0),
	"refused":        declining("refused", "skip", 1),
	"budget":         declining("budget", "stop", 1),
	"rate_limited":   declining("rate_limited", "wait", 1),
	"differs": {
		"default":    `/ {"mind":"first"}; / {"mind":"second"}; 1 crashed; 1 differs; 2 started`,
		"continue":   `/ {"mind":"first"}; / {"mind":"second"}; 1 crashed; 1 differs; 2 started`,
		"substitute": `/ {"mind":"first"}; /substitute {"stands":"in"}; 1 attempts; 1 crashed; 1 differs; 1 substituted; 3 started`,
		"abort":      aborted + `/ {"mind":"first"}; differs/abort null unsent; 1 crashed; 1 differs; 1 failed; 2 started`,
		"stop":       stopped, "skip": refused, "noop": refused, "action": refused, "retry": refused, "restart": refused, "wait": refused,
	},
}

// failsIn is the tick in which an agent fails; 0 for most.
var failsIn = map[string]int{"differs": 1}

// stoppedHistory is that of an agent that ends its run before the tick in which
// it fails; empty for most.
var stoppedHistory = map[string]string{"differs": `/ {"mind":"first"}; 1 started`}

// mending are the cells of a failure of an answer's form.
func mending(f string) map[string]string {
	const then = `; / {"attempt":1}; `
	return map[string]string{
		"default":    f + `/retry null` + then + `2 attempts; 1 failed; 1 started`,
		"retry":      f + `/retry null` + then + `3 attempts; 1 failed; 1 started`,
		"skip":       f + `/skip null` + then + `1 attempts; 1 failed; 1 started`,
		"noop":       f + `/noop {"idles":true}` + then + `1 attempts; 1 failed; 1 started`,
		"action":     f + `/action {"stays":true}` + then + `1 attempts; 1 failed; 1 started`,
		"substitute": `/substitute {"stands":"in"}; / {"stands":"in"}; 1 attempts; 1 substituted; 2 started`,
		"abort":      aborted + f + `/abort null; 1 attempts; 1 failed; 1 started`,
		"stop":       stopped, "restart": refused, "wait": refused, "continue": refused,
	}
}

// declining are the cells of a failure that comes from a model. How many
// attempts are on record differs: an agent at a limit has not answered.
func declining(f, usual string, attempts int) map[string]string {
	then := `; / {"move":"C"}; `
	if attempts > 0 {
		then += fmt.Sprintf("%d attempts; ", attempts)
	}
	cells := map[string]string{
		"skip":       f + `/skip null` + then + `1 failed; 1 started`,
		"noop":       f + `/noop {"idles":true}` + then + `1 failed; 1 started`,
		"action":     f + `/action {"stays":true}` + then + `1 failed; 1 started`,
		"substitute": `/substitute {"stands":"in"}; / {"stands":"in"}; 1 attempts; 1 substituted; 2 started`,
		"abort":      aborted + f + `/abort null` + strings.TrimPrefix(then, `; / {"move":"C"}`) + `1 failed; 1 started`,
		"stop":       stopped, "retry": refused, "restart": refused, "wait": refused, "continue": refused,
	}
	switch f {
	case "refused":
		cells["retry"] = `refused/retry null; / {"move":"C"}; 3 attempts; 1 failed; 1 started`
	case "rate_limited":
		cells["wait"] = `/ {"move":"C"}; / {"move":"C"}; 1 started; 1 waiting`
	}
	cells["default"] = cells[usual]
	return cells
}

// provoke is the entry of an agent that fails in tick 0 however often it is
// asked, under a policy.
func provoke(failure, policy string) string {
	rest := "command: [faulty, fails, " + failure + "]"
	if word := modelFailures[failure]; word != "" {
		rest = provokeModel(failure, policy, word)
	}
	switch {
	case failure == "spawn":
		rest = "command: [./broken]"
	case failure == "deadline" && policy == "substitute":
		rest += ", deadline: 6s" // which the substitute has to meet
	case failure == "deadline":
		rest += ", deadline: 1s"
	}
	if form := policyForms[policy]; form != "" {
		rest += ", on_failure: {" + failure + ": " + form + "}"
	}
	return rest
}

// modelFailures are the failures that come from a model, by the word that makes
// the stub of Claude Code end a turn so.
var modelFailures = map[string]string{"limit": "max-turns", "refused": "refusal", "budget": "max-budget", "rate_limited": "429"}

func provokeModel(failure, policy, word string) string {
	if policy == "wait" || failure == "rate_limited" && policy == "default" {
		return "kind: claude, env: {TURNS: " + word + " C}" // else it would wait for ever
	}
	return "kind: claude, env: {TICKS: " + word + " C}"
}
