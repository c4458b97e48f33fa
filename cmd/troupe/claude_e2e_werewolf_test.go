//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// townsfolk plays werewolf by the observation alone: by day it votes for the first
// of the others by name, by night a wolf for the first that is none.
func townsfolk(r *modeltest.Request) modeltest.Reply {
	_, text, _ := strings.Cut(r.LastUser(), "You observe: ")
	text, _, _ = strings.Cut(text, "\n")
	var seen struct {
		You, Role, Den, Phase, Step string
		Pack                        []struct{ Player string }
		Living                      []string
	}
	if err := json.Unmarshal([]byte(text), &seen); err != nil {
		return modeltest.Reply{Text: "I see nothing: " + err.Error()}
	}
	slices.Sort(seen.Living)
	vote := ""
	for _, name := range seen.Living {
		mate := false
		for _, m := range seen.Pack {
			mate = mate || m.Player == name
		}
		if vote == "" && name != seen.You && (seen.Phase == "day" || !mate) {
			vote = name
		}
	}
	switch {
	case seen.Step == "vote":
		return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"vote": %q}}`, vote)}
	case seen.Phase == "night":
		return modeltest.Reply{Text: fmt.Sprintf(`{"action": {}, "send": [{"channel": %q, "body": "owl: let it be %s"}]}`, seen.Den, vote)}
	}
	return modeltest.Reply{Text: `{"action": {"say": "It is not me."}}`}
}

// Models take the seats of a village in place of bots, by one --set; what the pack
// says in its den reaches no villager's model.
func TestE2EClaudeWerewolf(t *testing.T) {
	t.Parallel()
	c := newShippedRun(t, townsfolk)
	got := c.playShipped(t, "werewolf.yaml", "agents.*-1-*.kind=claude", "world.config.games=1", "expect=[]")
	if string(got.Columns["games"]) != "10" || got.Timed != 0 || got.Outcomes["invalid_action"] > 0 || got.Models == nil {
		t.Errorf("it came to %+v", got)
	}
	wolves := 0
	for _, r := range c.model.Requests() {
		wolf := strings.Contains(r.LastUser(), `"role":"wolf"`)
		if told := strings.Contains(string(r.Raw), "owl: let it be"); told && !wolf {
			t.Errorf("a villager's model was told what was said in the den:\n%s", r.LastUser())
		} else if told {
			wolves++
		}
	}
	if wolves == 0 {
		t.Error("no wolf's model was told what was said in the den")
	}
	c.troupe(t, 0, "audit", "r", "--reader", "villager-*", "--channel", "den-*", "--none")
}
