package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// policyForms are how a scenario writes each policy; default writes none.
var policyForms = map[string]string{
	"default": "", "skip": "skip", "noop": "noop", "wait": "wait", "stop": "stop", "abort": "abort",
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
// that fails in tick 0. Who never answers is busy in tick 1, and who cannot be
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
		"stop":       stopped, "retry": refused, "wait": refused,
	},
	"crash": {
		"default":    `crash/restart null; / {"attempt":1}; 3 crashed; 4 started`,
		"restart":    `crash/restart null; / {"attempt":1}; 2 crashed; 3 started`,
		"skip":       `crash/skip null; / {"attempt":1}; 1 crashed; 2 started`,
		"noop":       `crash/noop {"idles":true}; / {"attempt":1}; 1 crashed; 2 started`,
		"action":     `crash/action {"stays":true}; / {"attempt":1}; 1 crashed; 2 started`,
		"substitute": `/substitute {"stands":"in"}; / {"stands":"in"}; 1 attempts; 1 crashed; 1 substituted; 2 started`,
		"abort":      aborted + `crash/abort null; 1 crashed; 1 started`,
		"stop":       stopped, "retry": refused, "wait": refused,
	},
	"spawn": {
		"default":    stopped,
		"skip":       `spawn/skip null unsent; spawn/skip null unsent; 2 failed`,
		"noop":       `spawn/noop {"idles":true} unsent; spawn/noop {"idles":true} unsent; 2 failed`,
		"action":     `spawn/action {"stays":true} unsent; spawn/action {"stays":true} unsent; 2 failed`,
		"substitute": `/substitute {"stands":"in"}; / {"stands":"in"}; 1 attempts; 1 substituted; 1 started`,
		"wait":       `/ {"healed":true}; / {"healed":true}; 1 started`,
		"abort":      aborted + `spawn/abort null unsent; 1 failed`,
		"stop":       stopped, "retry": refused, "restart": refused,
	},
	"invalid_action": mending("invalid_action"),
	"oversize":       mending("oversize"),
}

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
		"stop":       stopped, "restart": refused, "wait": refused,
	}
}

// provoke is the entry of an agent that fails in tick 0 however often it is
// asked, under a policy.
func provoke(failure, policy string) string {
	rest := "command: [faulty, fails, " + failure + "]"
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

// TestEveryPolicyIsInTheTable fails where the program knows a failure or a
// policy that the table does not.
func TestEveryPolicyIsInTheTable(t *testing.T) {
	text, err := exec.Command("troupe", "schema").Output()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct {
			Failures struct {
				Properties map[string]struct {
					OneOf []struct{ Enum []string }
				}
			} `json:"on_failure"`
		}
		Defs struct {
			Form struct{ Properties map[string]any } `json:"policyForm"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	failures := schema.Properties.Failures.Properties
	if got, want := sortedKeys(failures), sortedKeys(policyCells); !slices.Equal(got, want) {
		t.Errorf("the program knows the failures %v, the table has %v", got, want)
	}
	for failure, forms := range failures {
		policies := map[string]bool{"default": true}
		for name := range schema.Defs.Form.Properties {
			policies[name] = true
		}
		for _, form := range forms.OneOf {
			for _, name := range form.Enum {
				policies[name] = true
			}
		}
		if got, want := sortedKeys(policies), sortedKeys(policyCells[failure]); !slices.Equal(got, want) {
			t.Errorf("%s: the program knows the policies %v, the table has %v", failure, got, want)
		}
	}
}

func TestPoliciesRefused(t *testing.T) {
	for failure, cells := range policyCells {
		allowed := maps.Clone(cells)
		maps.DeleteFunc(allowed, func(policy, cell string) bool { return policy == "default" || cell == refused })
		for policy, cell := range cells {
			if cell != refused {
				continue
			}
			f := newFable(t)
			f.agent("x", provoke(failure, policy))
			code, out, said := f.troupe(t, "validate", "fable.yaml")
			column := strings.Index(f.entries[1], "{"+failure+": ") + 2 // of the key
			if !strings.HasPrefix(policyForms[policy], "{") {
				column += len(failure + ": ") // of the name
			}
			want := fmt.Sprintf("fable.yaml:%d:%d: agents[1].on_failure.%s: the policy %q does nothing about %s\n",
				fableHead+2, column, failure, policy, failure)
			hint := "  hint: what can be done is " + strings.Join(sortedKeys(allowed), ", ") + "\n"
			if code != 2 || out != "" || !strings.HasPrefix(said, want) || !strings.Contains(said, hint) {
				t.Errorf("exit %d, %s%swant\n%s%s", code, out, said, want, hint)
			}
		}
	}
}

// TestPoliciesThatGoOn plays all agents that fail alike in one run, each under
// a policy that does not end it.
func TestPoliciesThatGoOn(t *testing.T) {
	for failure, cells := range policyCells {
		t.Run(failure, func(t *testing.T) {
			t.Parallel()
			f := newFable(t)
			wants := map[string]string{"good": `/ {"good":true}; / {"good":true}; 1 started`}
			for policy, cell := range cells {
				if cell == refused || cell == stopped || strings.HasPrefix(cell, aborted) {
					continue
				}
				wants[policy] = cell
				entry := provoke(failure, policy)
				if policy == "wait" {
					program := filepath.Join(t.TempDir(), "sick") // not beside the scenario: it is not copied
					(&fable{dir: filepath.Dir(program)}).write(t, "sick", "\x7fELF and no more", 0o700)
					f.agent("healer", fmt.Sprintf("command: [faulty, heals, %s]", program))
					entry = strings.Replace(entry, "./broken", program, 1)
				}
				f.agent(policy, entry)
			}
			out, said, events := f.play(t, 0)
			if !strings.Contains(out, "\nfinished: 2 ticks, ") {
				t.Errorf("%s%s", out, said)
			}
			for id, want := range wants {
				if got := history(t, events, id); got != want {
					t.Errorf("%s: %s\nwant %s", id, got, want)
				}
			}
		})
	}
}

// TestPoliciesThatEndTheRun plays one run for each.
func TestPoliciesThatEndTheRun(t *testing.T) {
	for failure, cells := range policyCells {
		for policy, cell := range cells {
			want, abort := strings.CutPrefix(cell, aborted)
			if !abort && cell != stopped {
				continue
			}
			t.Run(failure+" "+policy, func(t *testing.T) {
				t.Parallel()
				f := newFable(t)
				f.agent("x", provoke(failure, policy))
				out, said, events := f.play(t, 1)
				status, others := "aborted: 1 ticks, 1 × "+failure, `/ {"good":true}; 1 started`
				why := "troupe: the run was aborted by a policy\n"
				if !abort {
					status, want, others = "interrupted: 0 ticks", "", ""
					why = fmt.Sprintf("troupe: agent \"x\" failed at tick 0 (%s) and its policy is stop: ", failure)
				}
				if !strings.Contains("\n"+out, "\n"+status) || !strings.Contains(said, "\n"+why) {
					t.Errorf("%s%swant\n%s\n%s", out, said, status, why)
				}
				if x, good := history(t, events, "x"), history(t, events, "good"); x != want || good != others {
					t.Errorf("x: %s\nwant %s\ngood: %s\nwant %s", x, want, good, others)
				}
			})
		}
	}
}
