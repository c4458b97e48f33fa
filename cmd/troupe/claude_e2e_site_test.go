//go:build e2e

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// A siteWatch looks at what the builder of a run serves, round by round.
type siteWatch struct {
	client http.Client
	mu     sync.Mutex
	seen   map[string]string // by round
}

func watchSite(data string) *siteWatch {
	return &siteWatch{seen: map[string]string{}, client: http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(data, "control.sock"))
		},
	}}}
}

// look takes down what is served in a round.
func (w *siteWatch) look(round string) {
	text := ""
	res, err := w.client.Get("http://troupe/v1/runs/r/agents/builder/http/")
	if err == nil {
		var body []byte
		body, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
		text = fmt.Sprint(res.StatusCode, " ", strings.TrimSpace(string(body)))
	}
	if err != nil {
		text = err.Error()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[round] = text
}

// script is the models of both: the customer's looks before it answers.
func (w *siteWatch) script(r *modeltest.Request) modeltest.Reply {
	found := isRound.FindStringSubmatch(r.LastUser())
	switch {
	case found == nil:
		return modeltest.Reply{Text: "nobody told me the round"}
	case strings.Contains(r.System, "You are builder."):
		return buildSite(r, found[1])
	}
	w.look(found[1])
	return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"wishes": %s}, "send": [{"to": "builder", "body": "wish %[1]s"}]}`, found[1])}
}

// siteBegins is what the builder does first: it has the site served, by a process
// that outlives its turn.
var siteBegins = []string{
	"mkdir public && echo '<h1>The bakery</h1>' > public/index.html",
	"nohup troupe serve-files public > serve.log 2>&1 &",
	`until grep -q ":$(printf %04X $PORT) 00000000:0000 0A " /proc/net/tcp; do test ! -s serve.log || exit 1; done`,
}

func buildSite(r *modeltest.Request, round string) modeltest.Reply {
	commands := siteBegins
	if round != "1" {
		commands = []string{"echo '<li>what was wished before round " + round + "</li>' >> public/index.html"}
	}
	done, results := stepsOf(r), r.Results()
	if len(results) > 0 && results[0].Error {
		return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"failed": %q}}`, results[0].Text)}
	}
	if done < len(commands) {
		return modeltest.Reply{Tools: []modeltest.ToolUse{{Name: "Bash", Input: map[string]string{"command": commands[done], "description": "work"}}}}
	}
	return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"wishes": %d}}`, strings.Count(r.LastUser(), "wish "))}
}

// Claude Code builds a site and serves it from its workspace, behind its walls, and
// goes on with it as it is asked to; the API shows each state of it.
func TestE2EClaudeSite(t *testing.T) {
	t.Parallel()
	var watch *siteWatch
	c := startClaudeRun(t, "", func(c *claudeRun) modeltest.Script {
		watch = watchSite(c.data)
		return watch.script
	})
	got := c.playShipped(t, "site.yaml")
	if got.Outcomes["action"] != 8 || got.Timed != 0 {
		t.Errorf("it came to %+v", got)
	}
	for _, e := range c.events(t) {
		if e.Type == "outcome" && strings.Contains(string(e.Action), "failed") {
			t.Errorf("tick %d: %s %s", e.Tick, e.Agent, e.Action)
		}
	}
	watch.mu.Lock()
	defer watch.mu.Unlock()
	const begins = "200 <h1>The bakery</h1>"
	for round, want := range map[string]string{"2": "", "3": "2", "4": "3"} {
		line := "<li>what was wished before round " + want + "</li>"
		if seen := watch.seen[round]; !strings.HasPrefix(seen, begins) || want != "" && !strings.Contains(seen, line) {
			t.Errorf("in round %s the site is %q, want %q in it", round, seen, line)
		}
	}
}
