package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// exchange is an operator that puts calls through to desks, one of them alone
// in its process, which have all they hear noted by a ledger, whose process is
// parked in between.
const exchange = `name: exchange
clock: {mode: realtime, quiet: 4s, deadline: 60s}
on_failure: {crash: {restart: {attempts: 100}}}
agents:
  - {id: operator, command: [troupe, bot, relay]}
  - {id: "desk-{n}", replicas: 1, command: [troupe, bot, relay], config: {to: [ledger]}}
  - {id: "booth-{n}", replicas: 2, per_process: 2, command: [troupe, bot, relay], config: {to: [ledger]}}
  - {id: ledger, lifecycle: {mode: hybrid, idle: 100ms}, command: [troupe, bot, relay]}
`

// TestRealtimeCrash kills the supervisor, agents, or both, at any moment, while
// others send: every message that was acknowledged is consumed once, and all
// that was answered is answered again.
func TestRealtimeCrash(t *testing.T) {
	realtimeCrash(t, 6, 12)
}

func realtimeCrash(t *testing.T, kills, calls int) {
	if testing.Short() {
		t.Skip("kills real processes for a while")
	}
	path := filepath.Join(t.TempDir(), "exchange.yaml")
	write(t, path, exchange)
	data := t.TempDir()
	troupe := troupeIn(data)
	c := &killed{t: t, command: troupe, data: data, scenario: path, kills: kills, longest: time.Second}
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var callers sync.WaitGroup
	over := make(chan struct{})
	for caller := range 2 {
		callers.Go(func() {
			for n := range calls {
				select {
				case <-over:
					return
				default:
				}
				body := fmt.Sprintf("call %d of %d", n, caller)
				desk := []string{"desk-1", "booth-1", "booth-2"}[n%3]
				errand, _ := json.Marshal(map[string]string{"to": desk, "body": body})
				if troupe("send", "--wait", "20s", "r", "--to", "operator", string(errand)).Run() == nil {
					mu.Lock()
					acknowledged[body] = true
					mu.Unlock()
				}
			}
		})
	}
	hangUp := sync.OnceFunc(func() { close(over); callers.Wait() })
	defer hangUp() // the run may fail
	c.end()
	hangUp()
	t.Logf("%d calls of %d were acknowledged", len(acknowledged), 2*calls)
	if len(acknowledged) == 0 {
		t.Fatal("no call was acknowledged")
	}
	consumedOnce(t, troupe("events", "r"), acknowledged)
	out, err := troupe("verify", "--execute", "r").CombinedOutput()
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// consumedOnce reads the record's events: each of the bodies was noted once, and every
// agent has taken in turns as many messages as it was sent.
func consumedOnce(t *testing.T, events *exec.Cmd, bodies map[string]bool) {
	t.Helper()
	out, err := events.Output()
	if err != nil {
		t.Fatal(err)
	}
	noted, waiting := map[string]int{}, map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Type, Agent, To string
			Body            json.RawMessage
			Messages        int
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		switch e.Type {
		case "observation":
			waiting[e.Agent] -= e.Messages
		case "message":
			waiting[e.To]++
			var body string
			if e.To == "ledger" && json.Unmarshal(e.Body, &body) == nil {
				noted[body]++
			}
		}
	}
	for body := range bodies {
		if noted[body] != 1 {
			t.Errorf("%q was acknowledged, and is noted %d times", body, noted[body])
		}
	}
	for body, n := range noted {
		if n != 1 {
			t.Errorf("%q is noted %d times", body, n)
		}
	}
	for id, n := range waiting {
		if n != 0 {
			t.Errorf("agent %s has taken %d messages less than it was sent", id, n)
		}
	}
}
