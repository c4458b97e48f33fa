package agent

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func codexFor(id string) *codexDialect {
	d := newCodex(&Brief{Options: &ModelOptions{Model: "m"}, Agent: id})
	d.Init(nil, Init{Agent: id})
	return d
}

// captured are lines as the tool has written them.
func captured(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestCodexTurn(t *testing.T) {
	d := codexFor("ann")
	asked := string(d.Observe([]byte("head\n"), &Observe{Agent: "ann", Tick: 4, Observation: []byte(`{"they":"C"}`)}))
	if !strings.HasPrefix(asked, "head\nTick 4.") || !strings.Contains(asked, `You observe: {"they":"C"}`) || !strings.HasSuffix(asked, "\n") {
		t.Errorf("asked %q", asked)
	}
	lines := captured(t, "codex.jsonl")
	var warned []string
	for _, line := range lines[:len(lines)-1] {
		l := decoded(t, d, []byte(line))
		if l.Type == TypeLog {
			warned = append(warned, l.Text)
		}
		if l.Type == TypeAct || l.Type == TypeFailed || l.Usage != nil {
			t.Errorf("%s is taken for an answer: %+v", line, l)
		}
	}
	if len(warned) != 2 || !strings.HasPrefix(warned[0], "Model metadata") || !strings.HasPrefix(warned[1], "Reconnecting... 1/2") {
		t.Errorf("warned of %q", warned)
	}
	l := decoded(t, d, []byte(lines[len(lines)-1]))
	if l.Type != TypeAct || l.Act.Agent != "ann" || l.Act.Tick != 4 || string(l.Act.Action) != `{"move":"C"}` {
		t.Errorf("%+v", l)
	}
	want := Usage{Model: "m", Session: "01a222ff-9be0-7590-ac1a-ff2e9a707b77", Turns: 1, Input: 186, Output: 40, CacheRead: 14}
	if l.Usage == nil || *l.Usage != want {
		t.Errorf("usage %+v, want %+v", l.Usage, want)
	}
}

// What is said when a turn has ended decides.
func TestCodexAnswers(t *testing.T) {
	message := func(text string) string {
		return `{"type":"item.completed","item":{"id":"item_0","type":"agent_message","text":` + string(AppendString(nil, text)) + `}}`
	}
	const end = `{"type":"turn.completed","usage":{"input_tokens":1}}`
	for name, c := range map[string]struct {
		lines  []string
		want   Failure
		detail string
	}{
		"an action":       {[]string{message(`{"action":1}`), end}, "", ""},
		"no JSON":         {[]string{message("No."), end}, InvalidAction, "holds no JSON object"},
		"the last counts": {[]string{message(`{"action":1}`), message("Well, no."), end}, InvalidAction, "holds no JSON object"},
		"nothing":         {[]string{end}, Refused, "without a message"},
		"a failure":       {[]string{message(`{"action":1}`), `{"type":"turn.failed","error":{"message":"exceeded retry limit, last status: 429 Too Many Requests"}}`}, RateLimited, "429"},
	} {
		t.Run(name, func(t *testing.T) {
			d := codexFor("ann")
			d.Observe(nil, &Observe{Agent: "ann", Tick: 2, Observation: []byte("1")})
			var l Line
			for _, line := range c.lines {
				l = decoded(t, d, []byte(line))
			}
			if l.Failure != c.want || !strings.Contains(l.Detail, c.detail) || (l.Type == TypeAct) != (c.want == "") || l.Usage == nil {
				t.Errorf("%+v", l)
			}
		})
	}
}

// TestCodexFailure is the table of how a turn that failed is read, by what the
// tool has said.
func TestCodexFailure(t *testing.T) {
	for text, want := range map[string]Failure{
		"exceeded retry limit, last status: 429 Too Many Requests":                                                          RateLimited,
		"Connection failed: error sending request":                                                                          RateLimited,
		"rate limit exceeded: slow down":                                                                                    RateLimited,
		"We’re currently experiencing high demand, which may cause temporary errors.":                                       RateLimited,
		"Selected model is at capacity. Please try a different model.":                                                      RateLimited,
		"unexpected status 503 Service Unavailable: no, url: http://127.0.0.1:1/v1/responses":                               RateLimited,
		"stream disconnected before completion: stream closed before response.completed":                                    RateLimited,
		"unexpected status 401 Unauthorized: no, url: http://127.0.0.1:1/v1/responses":                                      Budget,
		"unexpected status 402 Payment Required: no, url: http://127.0.0.1:1/v1/responses":                                  Budget,
		"unexpected status 403 Forbidden: no, url: http://127.0.0.1:1/v1/responses":                                         Budget,
		"Quota exceeded. Check your plan and billing details.":                                                              Budget,
		"Missing environment variable: `OPENAI_API_KEY`.":                                                                   Budget,
		"unexpected status 404 Not Found: no, url: http://127.0.0.1:1/v1/responses":                                         Refused,
		`{"error": {"message": "no", "type": "invalid_request_error"}}`:                                                     Refused,
		"Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.": Refused,
		"stream disconnected before completion: Incomplete response returned, reason: content_filter":                       Refused,
		"Incomplete response returned, reason: max_output_tokens":                                                           InvalidAction,
	} {
		if f, detail := codexFailure(text); f != want || !strings.HasSuffix(detail, text) {
			t.Errorf("%q is %s: %q, want %s", text, f, detail, want)
		}
	}
}

// threadAt writes the first lines of a thread's file, and looks into it.
func threadAt(t *testing.T, dir, thread string, lines []string) (*Usage, bool, error) {
	t.Helper()
	days := filepath.Join(dir, "sessions", "2026", "11", "28")
	if err := os.MkdirAll(days, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(days, "rollout-2026-11-28T16-31-46-"+thread+".jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u := &Usage{Session: thread, Model: "m", Turns: 1, Input: 186, Output: 40, CacheRead: 14}
	look := codexRecorded(func(name string) string { return map[string]string{"CODEX_HOME": dir}[name] }, &Line{Usage: u})
	found, err := look()
	return u, found, err
}

// A turn's use is read from its thread, and so is whether it has ended.
func TestCodexRecorded(t *testing.T) {
	lines := captured(t, "codex-thread.jsonl")
	end := func(n int) int { // behind the end of the n-th turn
		for i, line := range lines {
			if strings.Contains(line, `"task_complete"`) {
				if n--; n == 0 {
					return i + 1
				}
			}
		}
		t.Fatal("the thread has no such turn")
		return 0
	}
	second := slices.IndexFunc(lines[end(1):], func(s string) bool { return strings.Contains(s, `"task_started"`) }) + end(1) + 1
	turn := Usage{Session: "t-1", Model: "gpt-6.1-sol", Turns: 1, Input: 93, Output: 20, CacheRead: 7}
	for name, c := range map[string]struct {
		lines []string
		want  Usage
		ended bool
	}{
		"the first turn":   {lines[:end(1)], turn, true},
		"the second":       {lines[:end(2)], turn, true},
		"one in its midst": {lines[:end(2)-1], turn, false},
		"one at its start": {lines[:second], Usage{Session: "t-1", Model: "gpt-6.1-sol"}, false},
		"a cut line":       {append(slices.Clone(lines[:end(1)-1]), lines[end(1)-1][:40]), turn, false},
	} {
		t.Run(name, func(t *testing.T) {
			// A name with what is a pattern elsewhere.
			got, ended, err := threadAt(t, filepath.Join(t.TempDir(), "[run] *"), "t-1", c.lines)
			if got.Took > 0 != c.ended || got.Took > time.Second {
				t.Errorf("it took %s", got.Took)
			}
			got.Took = 0
			if *got != c.want || ended != c.ended || err != nil {
				t.Errorf("%+v, ended: %t, %v; want %+v, %t", *got, ended, err, c.want, c.ended)
			}
		})
	}
}

func TestCodexRecordedNowhere(t *testing.T) {
	home := t.TempDir()
	env := func(name string) string { return map[string]string{"HOME": home}[name] }
	for _, thread := range []string{"", "*", "../t", "a/b"} {
		if codexRecorded(env, &Line{Usage: &Usage{Session: thread}}) != nil {
			t.Errorf("thread %q is looked for", thread)
		}
	}
	u := &Usage{Session: "t-1", Turns: 1, Input: 9}
	look := codexRecorded(env, &Line{Usage: u})
	if found, err := look(); found || !errors.Is(err, os.ErrNotExist) || u.Input != 0 {
		t.Errorf("without a thread: %t, %v, %+v", found, err, u)
	}
	dir := filepath.Join(home, ".codex", "sessions", "1", "2", "3")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "rollout-x-t-1.jsonl"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := look(); found || err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Errorf("a pipe: %t, %v", found, err)
	}
}

func TestCodexConfigure(t *testing.T) {
	env := map[string]string{"HOME": "/h", "OPENAI_BASE_URL": `http://127.0.0.1:9/a "b"/v1`}
	s := &Setting{Env: func(name string) string { return env[name] }, File: func(name string) string { return "/run/" + name },
		Texts: map[string]string{PromptFile: "Be \"Ann\".\n", SystemFile: "S", GuideFile: "Owls.\n",
			ServersFile: serversText(map[string]MCPServer{
				OwnServer: {Command: []string{"/bin/troupe", "mcp"}},
				"ledger":  {Command: []string{"python3", "it.py"}, Env: map[string]string{"YEAR": "20\"26"}},
				"rates":   {URL: "http://r/", Type: "http", Headers: map[string]string{"Authorization": "Bearer x"}},
				"mail":    {Command: []string{"mail"}, Env: map[string]string{"TOKEN": "${TOKEN}", "OTHER": "${TOKEN}"}},
				"vault":   {URL: "http://v/", Type: "http", Headers: map[string]string{"authorization": "Bearer ${TOKEN}", "X-Key": "${KEY}", "X-Odd": "Bearer ${KEY}", "X-Not": "a${KEY}"}},
			}), SettingsFile: `{"a":{"b c":[1,2.5,null,true],"d":null},"web_search":"off"}`}}
	words := codexConfigure([]string{"/bin/codex", "exec", "--json"}, s)
	text := strings.Join(words, "\n")
	for _, want := range []string{
		"/bin/codex\nexec\n-c\n", "\n--json", `base_url="http://127.0.0.1:9/a \"b\"/v1"`, `env_key="OPENAI_API_KEY"`,
		"\nmodel_instructions_file=\"/run/system.txt\"", "\nsqlite_home=\"/h/.codex/state-",
		"\nmcp_servers.ledger={\"args\" = [\"it.py\"], \"command\" = \"python3\", \"env\" = {\"YEAR\" = \"20\\\"26\"}, \"env_vars\" = [",
		"\nmcp_servers.rates={\"http_headers\" = {\"Authorization\" = \"Bearer x\"}, \"url\" = \"http://r/\"}",
		"\nmcp_servers.mail={\"args\" = [], \"command\" = \"mail\", \"env\" = {\"OTHER\" = \"${TOKEN}\"}, \"env_vars\" = [\"TROUPE_RUN\", ", ", \"TOKEN\"]}",
		"\nmcp_servers.vault={\"bearer_token_env_var\" = \"TOKEN\", \"env_http_headers\" = {\"X-Key\" = \"KEY\"}, " +
			"\"http_headers\" = {\"X-Not\" = \"a${KEY}\", \"X-Odd\" = \"Bearer ${KEY}\"}, \"url\" = \"http://v/\"}",
		"\nmcp_servers.troupe={\"args\" = [\"mcp\"], \"command\" = \"/bin/troupe\",", "\"required\" = true}",
		"\na={\"b c\" = [1, 2.5, true]}", "\nweb_search=\"off\"",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	env["HOME"], env["OPENAI_BASE_URL"] = "/other", ""
	other := codexConfigure([]string{"/bin/codex", "exec"}, s)
	state := func(words []string) string {
		return words[slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "sqlite_home=") })]
	}
	if !strings.Contains(strings.Join(other, " "), `base_url="https://api.openai.com/v1"`) ||
		filepath.Base(state(other)) == filepath.Base(state(words)) {
		t.Errorf("elsewhere: %q", other)
	}
}

func TestCodexTranscript(t *testing.T) {
	lines := []TranscriptLine{
		{Start: &TranscriptStart{Kind: "codex", Command: []string{"codex", "exec"}, Texts: map[string]string{PromptFile: "You are ann."}}},
		{In: []byte(`"Tick 4.\n"`)},
		{In: []byte(`{"tick":4}`)},
	}
	for _, out := range captured(t, "codex.jsonl") {
		lines = append(lines, TranscriptLine{Out: []byte(out)})
	}
	lines = append(lines, TranscriptLine{Out: []byte(`{"type":"turn.failed","error":{"message":"rate limit exceeded: oh"}}`)})
	var b strings.Builder
	for i := range lines {
		codexTranscript(&b, &lines[i])
	}
	want, err := os.ReadFile(filepath.Join("testdata", "codex-transcript.txt"))
	if err != nil || b.String() != string(want) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, b.String(), want)
	}
}

func TestCodexCalls(t *testing.T) {
	var got []string
	for _, line := range captured(t, "codex.jsonl") {
		for _, p := range codexCalls([]byte(line)) {
			how := p.Name + " " + string(p.Input)
			if p.Ended {
				how = "ended: " + strings.TrimSpace(p.Result)
				if p.Failed {
					how += " (failed)"
				}
			}
			got = append(got, p.ID+" "+how)
		}
	}
	want := []string{
		`item_3 command_execution {"command":"/bin/bash -lc 'cat nowhere'"}`,
		`item_3 ended: cat: nowhere: No such file or directory (failed)`,
		`item_4 file_change {"changes":[{"path":"/work/note.txt","kind":"add"}]}`,
		`item_4 ended: `,
		`item_5 mcp__calc__add {"a":1}`,
		`item_5 ended: it is 42`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// No line makes Decode, the transcript or Calls panic, and an act that is given
// is one that can be recorded.
func FuzzCodexDecode(f *testing.F) {
	for _, file := range []string{"codex.jsonl", "codex-thread.jsonl"} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f.Add([]byte(strings.TrimSpace(line)))
		}
	}
	f.Add([]byte(`{"type":"item.completed","item":{"type":"file_change"}}`))
	f.Add([]byte(`{"type":"turn.completed","usage":{"input_tokens":-9,"cached_input_tokens":9e15}}`))
	const said = `{"type":"item.completed","item":{"type":"agent_message","text":"{\"action\":1}"}}`
	f.Fuzz(func(t *testing.T, line []byte) {
		var b strings.Builder
		codexTranscript(&b, &TranscriptLine{Out: line})
		codexCalls(line)
		d := codexFor("ann")
		d.Observe(nil, &Observe{Agent: "ann", Tick: 3, Observation: []byte("1")})
		decoded, err := d.Decode([]byte(said))
		if err != nil || decoded.Type == TypeAct {
			t.Fatalf("%+v, %v", decoded, err)
		}
		l, err := d.Decode(line)
		switch {
		case err != nil && !errors.Is(err, ErrNotProtocol):
			t.Errorf("%q: %v", line, err)
		case err != nil:
		case l.Type == TypeAct:
			isCompact(t, l.Act.Action)
			if l.Act.Agent != "ann" || l.Act.Tick != 3 || l.Usage == nil {
				t.Errorf("%q: %+v", line, l)
			}
		case l.Type == TypeFailed:
			if l.Failure == "" || l.Agent != "ann" || l.Tick != 3 || l.Usage == nil {
				t.Errorf("%q: %+v", line, l)
			}
		}
		if u := l.Usage; u != nil && (u.USD < 0 || u.Turns < 0 || u.Input < 0 || u.CacheRead < 0 || u.Output < 0) {
			t.Errorf("%q: used %+v", line, *u)
		}
	})
}
