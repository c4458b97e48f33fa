package bots

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

func TestBuilder(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PORT", "")
	wish := func(texts ...string) agent.Observe {
		o := agent.Observe{Observation: []byte("{}"), Attempt: 1}
		for _, text := range texts {
			o.Messages = append(o.Messages, agent.Message{From: "bob", Body: json.RawMessage(text)})
		}
		return o
	}
	again := wish(`"a map"`)
	again.Attempt = 2
	acts := ask(t, "builder", `{"title":"Tom & Jerry"}`, wish(), wish(`"<b>bold</b>"`, `{"no":"text"}`), wish(`"a map"`), again)
	for i, want := range []string{`{"wishes":0}`, `{"wishes":1}`, `{"wishes":2}`, `{"wishes":2}`} {
		if got := string(acts[i].Action); got != want {
			t.Errorf("answer %d is %s, want %s", i, got, want)
		}
	}
	text, err := os.ReadFile("public/index.html")
	if err != nil || !strings.Contains(string(text), "<h1>Tom &amp; Jerry</h1>\n<ul>\n<li>&lt;b&gt;bold&lt;/b&gt;</li>\n<li>a map</li>\n</ul>") {
		t.Errorf("the page is %s, %v", text, err)
	}
}

func TestCustomer(t *testing.T) {
	o := agent.Observe{Observation: []byte("{}"), Attempt: 1}
	acts := ask(t, "customer", `{"of":"bob","wishes":["a","b"]}`, o, o, o)
	for i, want := range []string{`"a"`, `"b"`, ""} {
		got := ""
		if s := acts[i].Send; len(s) == 1 && s[0].To == "bob" {
			got = string(s[0].Body)
		}
		if got != want {
			t.Errorf("turn %d: it says %s, want %s", i, got, want)
		}
	}
}

// What is served is below the directory, whatever a link in it says.
func TestServeFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"secret": "mark", "site/page.txt": "hello"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "site", "link")); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- ServeFiles(l, filepath.Join(dir, "site")) }()
	defer func() { _ = l.Close(); <-over }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]string{"/page.txt": "hello", "/link": "", "/../secret": "", "/%2e%2e/secret": ""} {
		res, err := client.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if want != "" && string(body) != want || strings.Contains(string(body), "mark") {
			t.Errorf("%s: %s", path, body)
		}
	}
}
