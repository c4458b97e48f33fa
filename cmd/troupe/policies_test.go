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
			if !strings.Contains(out, "\nfinished: 2 ticks") {
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
				tick := failsIn[failure]
				goods := strings.Repeat(`/ {"good":true}; `, tick)
				status, others := fmt.Sprintf("aborted: %d ticks, 1 × %s", tick+1, failure), goods+`/ {"good":true}; 1 started`
				why := "troupe: the run was aborted by a policy\n"
				if !abort {
					status, want, others = fmt.Sprintf("interrupted: %d ticks", tick), stoppedHistory[failure], ""
					if tick > 0 {
						others = goods + "1 started"
					}
					why = fmt.Sprintf("troupe: agent \"x\" failed at tick %d (%s) and its policy is stop: ", tick, failure)
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
