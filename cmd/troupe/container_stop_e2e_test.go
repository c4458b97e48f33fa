//go:build linux && e2e

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/observe"
)

// stubbornScenario has agents that do what they can to outlive a stop, and goes
// on for longer than anybody waits.
const stubbornScenario = `name: stubborn
clock: {deadline: 60s}
world: {kind: conversation, config: {rounds: 100000, topic: stopping}}
agents:
  - {id: "a-{n}", replicas: 3, command: [sh, agent.sh]}
`

const stubbornScript = `
trap '' TERM INT HUP
(trap '' TERM INT HUP; exec setsid sleep 1000) &
while :; do
	read -r line || sleep 1
	agent=$(echo "$line" | sed 's/.*"agent":"\([-a-z0-9]*\)".*/\1/')
	case $line in
	*'"init"'*) echo "{\"type\":\"ready\",\"agent\":\"$agent\"}" ;;
	*'"observe"'*)
		tick=$(echo "$line" | sed 's/.*"tick":\([0-9]*\).*/\1/')
		echo "{\"type\":\"act\",\"agent\":\"$agent\",\"tick\":$tick,\"action\":{}}"
		;;
	esac
done
`

// stopInTime stops a container in the 10 s that are the engines' default: the
// run has drained by then and can be resumed, and was healthy until then.
func stopInTime(t *testing.T, image string, options []string) {
	files := mounted(t, map[string]string{"agent.sh": stubbornScript, "stubborn.yaml": stubbornScenario})
	args := append([]string{"run", "--detach"}, append(options, files, image, "run", "/work/stubborn.yaml")...)
	out, _, _ := podman(t, args...)
	id := strings.TrimSpace(out)
	t.Cleanup(func() { podman(t, "rm", "--force", id) })

	before := -1
	for end := time.Now().Add(time.Minute); before < 3; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			out, errs, _ := podman(t, "logs", id)
			t.Fatalf("no tick in a minute\n%s%s", out, errs)
		}
		var runs []observe.Run
		if out, _, code := podman(t, "exec", id, "troupe", "ps", "--json"); code == 0 && json.Unmarshal([]byte(out), &runs) == nil && len(runs) == 1 {
			before = runs[0].Ticks
		}
	}
	if out, errs, code := podman(t, "healthcheck", "run", id); code != 0 {
		t.Errorf("not healthy: %s%s", out, errs)
	}

	began := time.Now()
	if _, errs, code := podman(t, "stop", id); code != 0 {
		t.Fatal(errs)
	}
	took := time.Since(began)
	out, _, _ = podman(t, "inspect", "--format", "{{.State.ExitCode}}", id)
	logs, errs, _ := podman(t, "logs", id)
	if code := strings.TrimSpace(out); code != "130" { // 137 is what the engine's own end gives
		t.Errorf("exit %s after %s\n%s%s", code, took, logs, errs)
	}
	if runs := listed(t, image, options); len(runs) != 1 || runs[0].Status != observe.Interrupted || runs[0].Ticks < before {
		t.Errorf("the volume has %+v, and had %d ticks before", runs, before)
	}
	t.Logf("stopped within %s", took)
}
