package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/workspace"
)

// visitor is an agent that gets the URLs of its arguments as any program does, by
// the proxy of its environment, and one around it; it answers with what came of
// each.
func visitor(urls []string) int {
	return converse(func(o told) {
		var came []string
		for _, u := range urls {
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: func(*http.Request) (*url.URL, error) {
				if os.Getenv("HTTP_PROXY") == "" {
					return nil, errors.New("there is no proxy")
				}
				return url.Parse(os.Getenv("HTTP_PROXY")) // of addresses of this machine too, which Go leaves out else
			}}}
			came = append(came, visited(&client, u))
		}
		around := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		came = append(came, "around: "+visited(&around, urls[0]))
		fmt.Fprintln(os.Stderr, "my proxy is", os.Getenv("HTTPS_PROXY"))
		text, _ := json.Marshal(map[string]string{"say": strings.Join(came, ", ")})
		act(o, string(text))
	})
}

func visited(client *http.Client, u string) string {
	res, err := client.Get(u)
	if err != nil {
		return "failed"
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "broken off"
	}
	word, _, _ := strings.Cut(string(text), ":")
	return fmt.Sprintf("%d %s", res.StatusCode, strings.TrimSpace(word))
}

// Agents reach the hosts of their own lists, through the proxy alone, and what they
// are refused is in their logs and on record.
func TestHosts(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "welcome")
	}))
	t.Cleanup(s.Close)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	write(t, filepath.Join(dir, "hosts.yaml"), fmt.Sprintf(`name: hosts
clock: {ticks: 1, deadline: 60s}
world: {kind: conversation, config: {rounds: 1}}
agents:
  - {id: guest, command: [visitor, "http://127.0.0.1:%[1]s/", "http://localhost:%[1]s/", "http://localhost:%[1]s/again"], network: ["127.0.0.1:%[1]s"]}
  - {id: other, command: [visitor, "http://127.0.0.1:%[1]s/", "http://localhost:%[1]s/"], network: ["localhost:%[1]s"]}
  - {id: own, command: [visitor, "http://nowhere.example.org/"], network: [%[1]s, example.org], env: {HTTP_PROXY: "http://127.0.0.1:%[1]s"}}
  - {id: port, command: [visitor, "http://127.0.0.1:%[1]s/"], network: [%[1]s]}
`, port))
	achieved, err := workspace.Survey(workspace.Auto, &workspace.Site{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	troupe := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command("troupe", args...)
		cmd.Env = append(os.Environ(), "TROUPE_DATA="+data)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("troupe %v: %v\n%s%s", args, err, out, said.String())
		}
		return out
	}
	troupe("run", filepath.Join(dir, "hosts.yaml"), "--name", "h", "--json")
	around := "around: 200 welcome"
	walled := workspace.Attack{By: map[string]int{"landlock": 4}}.Stopped(achieved.Tiers, achieved.LandlockABI)
	if walled {
		around = "around: failed"
	}
	answers, barred := map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(troupe("export", "h"))) {
		var turn struct{ Agent, Action string }
		var action struct{ Say string }
		if err := errors.Join(json.Unmarshal([]byte(line), &turn), json.Unmarshal([]byte(turn.Action), &action)); err != nil {
			t.Fatal(err)
		}
		answers[turn.Agent] = action.Say
	}
	for line := range strings.Lines(string(troupe("export", "h", "--what", "facts"))) {
		var f struct{ Agent, Fact, Detail string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		if f.Fact == "barred" {
			barred[f.Agent] += f.Detail
		}
	}
	for id, want := range map[string]struct{ answer, barred string }{
		"guest": {"200 welcome, 403 troupe, 403 troupe, " + around, "localhost:" + port},
		"other": {"403 troupe, 200 welcome, " + around, "127.0.0.1:" + port},
		"own":   {"200 welcome, around: failed", ""}, // the site itself, by what the scenario's env says
		"port":  {"failed, around: 200 welcome", ""},
	} {
		if answers[id] != want.answer {
			t.Errorf("%s: got %q, want %q", id, answers[id], want.answer)
		}
		log, err := os.ReadFile(filepath.Join(data, "runs", "h", "agents", id, "stderr.log"))
		if err != nil {
			t.Fatal(err)
		}
		refusal := ""
		if want.barred != "" {
			refusal = want.barred + " is refused: it is not on the network list of this agent's entry in the scenario; to allow it, add " + want.barred + " there"
		}
		if barred[id] != refusal || strings.Count(string(log), " is refused: ") != strings.Count(refusal, " is refused: ") || !strings.Contains(string(log), refusal) {
			t.Errorf("%s: got the facts %q and the log %s; want once: %s", id, barred[id], log, refusal)
		}
		if known := strings.Contains(string(log), "my proxy is [secret "); known != (id != "port") {
			t.Errorf("the log of %s says:\n%s", id, log)
		}
	}
	troupe("verify", "h", "--execute")
}
