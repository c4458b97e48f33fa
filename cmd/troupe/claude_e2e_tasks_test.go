//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// totals are what is to be paid, by a word of the invoice.
var totals = map[string]string{
	"Brightwell": `{"supplier": "Brightwell Paper", "total": 180, "currency": "GBP"}`,
	"Moor":       `{"supplier": "Tischlerei Moor", "total": 113.05, "currency": "EUR"}`,
	"Harbor":     `{"supplier": "Harbor Data", "total": 200, "currency": "USD"}`,
	"Halles":     `{"supplier": "Café des Halles", "total": 138, "currency": "EUR"}`,
	"Velo":       `{"supplier": "Velo Kurier", "total": 449.5, "currency": "CHF"}`,
}

// clerk reads an invoice. One it reads as no schema wants it, until it is told.
func clerk(r *modeltest.Request) modeltest.Reply {
	for word, answer := range totals {
		if !strings.Contains(r.LastUser(), word) {
			continue
		}
		if word == "Harbor" && !strings.Contains(r.LastUser(), "was not accepted") {
			answer = `{"supplier": "Harbor Data", "total": "USD 200", "currency": "USD"}`
		}
		return modeltest.Reply{Text: `Here it is: {"action": ` + answer + `}`}
	}
	return modeltest.Reply{Text: "there is no invoice"}
}

// A batch: each invoice is read by a process of its own, in a conversation in which
// there is no other one, and what was refused is asked for again.
func TestE2EClaudeInvoices(t *testing.T) {
	t.Parallel()
	c := newShippedRun(t, clerk)
	got := c.playShipped(t, "invoices.yaml")
	want := map[string]string{
		"answered": `5`, "failed": `0`,
		"invoice-1.action.total": `180`, "invoice-2.action.total": `113.05`, "invoice-3.action.total": `200`,
		"invoice-4.action.total": `138`, "invoice-5.action.total": `449.5`,
		"invoice-4.action.supplier": `"Café des Halles"`, "invoice-5.action.currency": `"CHF"`,
	}
	for name, value := range want {
		if string(got.Columns[name]) != value {
			t.Errorf("%s is %s, want %s", name, got.Columns[name], value)
		}
	}
	sessions := map[string]string{}
	started := 0
	for _, e := range c.events(t) {
		if e.Session != "" {
			sessions[e.Session] = e.Agent
		}
		if e.Fact == "started" {
			started++
		}
	}
	if n := len(c.model.Requests()); n != 6 || started < 5 || len(sessions) != 5 {
		t.Errorf("%d requests of %d processes in %d conversations, want 6, of 5 at least, in 5", n, started, len(sessions))
	}
	for _, r := range c.model.Requests() {
		invoices := 0
		for word := range totals {
			if strings.Contains(string(r.Raw), word) {
				invoices++
			}
		}
		if invoices != 1 {
			t.Errorf("%s was shown %d invoices", playerOf(r), invoices)
		}
	}
}

// supporter answers by the conversation alone: how many messages of the customer
// it has seen, and at the end what the first ones said.
func supporter(r *modeltest.Request) modeltest.Reply {
	var said strings.Builder
	messages := 0
	for _, m := range r.Messages {
		for _, b := range m.Blocks {
			if m.Role == "user" && b.Type == "text" && strings.Contains(b.Text, "You observe: ") {
				messages++
				said.WriteString(b.Text)
			}
		}
	}
	reply := fmt.Sprintf("message %d;", messages)
	for _, known := range []string{"4471", "K2", "449.50"} {
		if strings.Contains(said.String(), known) {
			reply += " " + known
		}
	}
	return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"reply": %q, "status": "open"}}`, reply)}
}

// Customers write over several ticks, and the supervisor dies on the way. Whoever
// is parked goes on with its conversation, before and after.
func TestE2EClaudeTickets(t *testing.T) {
	t.Parallel()
	c := newShippedRun(t, supporter)
	c.troupe(t, -1, c.shipped(t, "tickets.yaml", "faults=[{supervisor: kill, at: 3}]")...)
	asked := len(c.model.Requests())
	got := resultOf(t, c.troupe(t, 0, "resume", "--json", "r"))
	if asked == 0 || got.Outcomes["action"] != 8 || got.Timed != 0 {
		t.Errorf("killed after %d requests, it came to %+v", asked, got)
	}
	last, parked := map[string]string{}, map[string]bool{}
	for _, e := range c.events(t) {
		var a struct{ Reply string }
		if e.Fact == "parked" {
			parked[e.Agent] = true
		}
		if e.Type == "outcome" && json.Unmarshal(e.Action, &a) == nil {
			last[e.Agent] = a.Reply
		}
	}
	for id, want := range map[string]string{
		"ticket-harbour": "message 3; 4471", "ticket-moor": "message 3; K2", "ticket-velo": "message 2; 449.50",
	} {
		if last[id] != want {
			t.Errorf("%s answered %q at last, want %q", id, last[id], want)
		}
		if !parked[id] {
			t.Errorf("%s was never parked", id)
		}
	}
}
