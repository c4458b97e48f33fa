package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rerunFiles are a scenario whose files lie beside, below and above it.
var rerunFiles = map[string]string{
	"world/games/talk.yaml": `name: talk
seed: 3
clock: {ticks: 9, deadline: 60s}
limits: {usd: none}
secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}}
world: {kind: conversation, config: {rounds: 9}}
agents:
  - {id: "{name}", for_each: people.csv, command: [sh, ../../lib/agent.sh, "{trade}"], files: [words/**]}
  - {id: tool, command: [./tool.sh]}
  - {id: model, kind: claude, prompt: ../prompt.md}
  - {id: owl, command: [./tool.sh], on_failure: {crash: {substitute: {command: [sh, ../../lib/agent.sh, hoots]}}}}
`,
	"world/games/people.csv": "name,trade\nann,miller\nbob,baker\n",
	"world/games/words/said": "good day",
	"world/games/tool.sh":    "#!/bin/sh\nexec troupe bot echo\n",
	"world/prompt.md":        "Play as {{.agent.id}}.",
	"lib/agent.sh": `read -r init
said=$(cat "${0%/*/*}"/words/said 2>/dev/null)
echo "$init" | sed 's/.*"agent":\("[^"]*"\).*/{"type":"ready","agent":\1}/'
agent=$(echo "$init" | sed 's/.*"agent":"\([^"]*\)".*/\1/')
while read -r line; do
  case $line in *'"type":"observe"'*) ;; *) continue ;; esac
  tick=${line#*'"tick":'}
  echo '{"type":"act","agent":"'$agent'","tick":'${tick%%,*}',"action":{"trade":"'$1'","said":"'$said'"}}'
done
`,
}

// A run's directory holds all that somebody else needs to play the same again:
// the command is in its manifest, and needs nothing of where the scenario was.
func TestRerun(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	for name, text := range rerunFiles {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil { //nolint:gosec // some are executed
			t.Fatal(err)
		}
	}
	play := func(dir string, words ...string) outcome {
		t.Helper()
		cmd := exec.Command(words[0], append(words[1:], "--json", "--data", data)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "ANTHROPIC_API_KEY=sk-ant-rerun")
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		var got outcome
		if err != nil || json.Unmarshal(out, &got) != nil {
			t.Fatalf("%v: %v\n%s%s", words, err, out, &said)
		}
		return got
	}
	want := play(dir, "troupe", "run", "world/games/talk.yaml", "--name", "r", "--seed", "9", "--set", "clock.ticks=3", "--set", "agents.tool.deadline=50s")
	if want.Ticks != 3 {
		t.Fatalf("%+v", want)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(data, "runs", "r")
	var m struct {
		Rerun  []string
		SHA256 string `json:"scenario_sha256"`
		Host   struct {
			System, Kernel, Machine string
			Processors              int
		}
		Programs []struct{ Path, Version, SHA256, Error string }
	}
	text, err := os.ReadFile(filepath.Join(run, "plan.json"))
	if err != nil || json.Unmarshal(text, &m) != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if got := strings.Join(m.Rerun, " "); got != "troupe run scenario/world/games/talk.yaml --seed 9 --set clock.ticks=3 --set agents.tool.deadline=50s" {
		t.Errorf("to play it again: %s", got)
	}
	if got := play(run, m.Rerun...); got != want {
		t.Errorf("played again it came to %+v, want %+v", got, want)
	}
	if text, err := os.ReadFile(filepath.Join(run, m.Rerun[2])); err != nil || fmt.Sprintf("%x", sha256.Sum256(text)) != m.SHA256 {
		t.Errorf("%v: the scenario's copy is not what its hash says: %s", err, text)
	}
	if h := m.Host; h.System == "" || h.Kernel == "" || h.Machine == "" || h.Processors < 1 {
		t.Errorf("the host is %+v", h)
	}
	names := map[string]bool{}
	for _, p := range m.Programs {
		names[filepath.Base(p.Path)] = true
		if p.Version == "" && len(p.SHA256) != 64 || p.Error != "" {
			t.Errorf("nobody can tell which program this was: %+v", p)
		}
		if filepath.Base(p.Path) == "claude" && p.Version != "2.1.331 (Claude Code)" {
			t.Errorf("claude is %+v", p)
		}
	}
	if !names["sh"] || !names["claude"] || names["troupe"] {
		t.Errorf("the programs are %v, want sh and claude", sortedKeys(names))
	}
}
