package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// upstream FILE is a model that answers {"move": "C"} until it is interrupted. It
// writes its address into FILE, and of each request the key and what it said last
// into FILE.asked.
func upstream(args []string) int {
	asked, err := os.OpenFile(args[0]+".asked", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = asked.Close() }()
	model := modeltest.Start(func(r *modeltest.Request) modeltest.Reply {
		_, _ = fmt.Fprintln(asked, r.Key, r.LastUser())
		return modeltest.Reply{Text: `{"move": "C"}`}
	})
	defer model.Close()
	over := make(chan os.Signal, 1)
	signal.Notify(over, os.Interrupt)
	if err := os.WriteFile(args[0], fmt.Appendf(nil, "{\"url\": %q}\n", model.URL), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	<-over
	return 0
}

// asker is an agent, of kind stdio or exec, that does what a model tells it. Its
// environment has more words for it:
//
//	ASKS     how often it asks in each tick; 1 where it is left out
//	DRIFTS   what it says besides in every request
//	REFUSED  what it does where it is refused: die, keep mute or, by default, defect
//	PROBES   it tries what it may not, and tells its log what came of it
func asker([]string) int {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var in struct {
			Type, Agent string
			Tick        int
		}
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		switch in.Type {
		case "init":
			fmt.Printf("{\"type\":\"ready\",\"agent\":%q}\n", in.Agent)
		case "observe":
			if os.Getenv("PROBES") != "" {
				trespass()
			}
			move, err := advised(in.Agent, in.Tick)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				switch os.Getenv("REFUSED") {
				case "die":
					return 7
				case "keep mute":
					_, _ = io.Copy(io.Discard, os.Stdin)
					return 0
				}
				move = `{"move":"D"}`
			}
			fmt.Printf("{\"type\":\"act\",\"agent\":%q,\"tick\":%d,\"action\":%s}\n", in.Agent, in.Tick, move)
		}
	}
	return 0
}

// advised is what the model says last.
func advised(id string, tick int) (move string, err error) {
	asks, _ := strconv.Atoi(cmp.Or(os.Getenv("ASKS"), "1"))
	for n := range asks {
		said := fmt.Sprintf("%s, tick %d, question %d%s", id, tick, n, os.Getenv("DRIFTS"))
		status, body, err := request(os.Getenv("ANTHROPIC_BASE_URL"), "/v1/messages", os.Getenv("ANTHROPIC_API_KEY"), said)
		if err != nil {
			return "", err
		}
		var answer struct{ Content []struct{ Text string } }
		if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK || len(answer.Content) == 0 {
			return "", fmt.Errorf("asked and got %d %s", status, body)
		}
		move = answer.Content[0].Text
	}
	return move, nil
}

// request makes one request of the Messages API.
func request(base, path, key, said string) (status int, body []byte, err error) {
	question, err := json.Marshal(map[string]any{
		"model": "oracle", "max_tokens": 20, "messages": []map[string]string{{"role": "user", "content": said}},
	})
	if err != nil {
		return 0, nil, err
	}
	r, err := http.NewRequest(http.MethodPost, base+path, bytes.NewReader(question))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Anthropic-Version", "2023-06-01")
	r.Header.Set("X-Api-Key", key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// trespass tries what the gateway has to refuse, and shows all of its environment.
func trespass() {
	base, key := os.Getenv("ANTHROPIC_BASE_URL"), os.Getenv("ANTHROPIC_API_KEY")
	id := os.Getenv("TROUPE_AGENT")
	other := strings.Replace(base, "/"+id+"/", "/stdio/", 1)
	for _, try := range []struct{ what, base, path, key string }{
		{"wrong token", base, "/v1/messages", "troupe-" + strings.Repeat("0", 48)},
		{"no token", base, "/v1/messages", ""},
		{"own token for another", other, "/v1/messages", key},
		{"another path", base, "/v1/files", key},
		{"another API", strings.Replace(base, "/anthropic", "/elsewhere", 1), "/v1/messages", key},
	} {
		status, _, err := request(try.base, try.path, try.key, try.what)
		fmt.Fprintln(os.Stderr, "probe:", try.what+":", status, err)
	}
	fmt.Fprintf(os.Stderr, "environ: %q\n", os.Environ())
}
