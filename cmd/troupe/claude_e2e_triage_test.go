//go:build e2e

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// postRoom hands on what it hears, and drafts answers.
func postRoom(r *modeltest.Request) modeltest.Reply {
	said := r.LastUser()
	if playerOf(r) != "triager" {
		return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"to": "somebody", "draft": "message %d"}}`, r.Turn()+1)}
	}
	var sends []string
	for line := range strings.Lines(said) {
		text := ""
		if _, body, found := strings.Cut(line, ": "); !found || !strings.HasPrefix(line, "- from ") || json.Unmarshal([]byte(body), &text) != nil {
			continue
		}
		channel := "technical-mail"
		if strings.Contains(text, "billed") {
			channel = "billing-mail"
		}
		sends = append(sends, fmt.Sprintf(`{"channel": %q, "body": {"from": "outside", "urgent": false, "text": %q}}`, channel, text))
	}
	return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"handed_on": %d}, "send": [%s]}`, len(sends), strings.Join(sends, ", "))}
}

// What comes in from outside reaches the desk that is in charge of it, and nobody
// else.
func TestE2EClaudeTriage(t *testing.T) {
	t.Parallel()
	c := newShippedRun(t, postRoom)
	cmd := c.command(c.shipped(t, "triage.yaml", "clock.quiet=3s")...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"I was billed twice.", "The export button does nothing.", "You billed me too little."} {
		c.troupe(t, 0, "send", "--wait", "60s", "r", "--to", "triager", "--from", "mail", `"`+text+`"`)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &said)
	}
	got := resultOf(t, out.String())
	if string(got.Columns["archive.action.heard"]) != "3" {
		t.Errorf("the archive heard %s of 3 messages: %+v", got.Columns["archive.action.heard"], got)
	}
	for _, r := range c.model.Requests() {
		desk := playerOf(r)
		if billed, export := strings.Contains(r.LastUser(), "billed"), strings.Contains(r.LastUser(), "export"); desk == "billing" && export || desk == "technical" && billed {
			t.Errorf("%s was told %q", desk, r.LastUser())
		}
	}
	for _, id := range []string{"billing", "technical"} {
		if got.Columns[id+".action.draft"] == nil {
			t.Errorf("%s drafted nothing: %+v", id, got)
		}
	}
}
