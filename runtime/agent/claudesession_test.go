package agent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// looker is what looks for the answer that a dialect decodes from a result, in
// a home of its own.
func looker(t *testing.T, env map[string]string, session, uuid string) func() (bool, error) {
	t.Helper()
	d := claudeFor("ann")
	d.Observe(nil, &Observe{Agent: "ann", Tick: 1, Observation: []byte("1")})
	for _, line := range []string{
		`{"type":"assistant","message":{},"session_id":"s","parent_tool_use_id":null,"uuid":"earlier"}`,
		`{"type":"assistant","message":{},"session_id":"s","parent_tool_use_id":null,"uuid":"` + uuid + `"}`,
		`{"type":"assistant","message":{},"session_id":"s","parent_tool_use_id":"toolu_1","uuid":"of-another"}`,
	} {
		decoded(t, d, []byte(line))
	}
	l := decoded(t, d, resultLine(map[string]any{"session_id": session, "uuid": "of-the-result"}))
	return claudeRecorded(func(name string) string { return env[name] }, &l)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		_ = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// An answer is recorded once the whole line of its entry is in its session's
// file, wherever below the tool's directory that is.
func TestClaudeRecorded(t *testing.T) {
	home := t.TempDir()
	for _, dir := range []string{".claude/projects/-one", ".claude/projects/-two", "elsewhere/projects/-three"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(home, ".claude/projects/no-directory"), "")
	for name, c := range map[string]struct {
		env  map[string]string
		file string
	}{
		"home":      {map[string]string{"HOME": home}, ".claude/projects/-two/s-1.jsonl"},
		"elsewhere": {map[string]string{"HOME": home, "CLAUDE_CONFIG_DIR": filepath.Join(home, "elsewhere")}, "elsewhere/projects/-three/s-1.jsonl"},
	} {
		t.Run(name, func(t *testing.T) {
			look := looker(t, c.env, "s-1", "the-answer")
			file := filepath.Join(home, c.file)
			sees := func(want bool) {
				t.Helper()
				if found, err := look(); found != want || err != nil {
					t.Errorf("it is recorded: %t, %v; want %t", found, err, want)
				}
			}
			if found, err := look(); found || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("without a session: %t, %v", found, err)
			}
			write(t, file, `{"type":"user","message":{"role":"user","content":"a \"uuid\":\"the-answer\" of mine"},"uuid":"u-1"}`+"\n")
			sees(false)
			write(t, file, `{"type":"assistant","message":{},"uuid":"earlier"}`+"\n"+`{"parentUuid":"earlier","type":"assistant","uuid":"the-ans`)
			sees(false)
			write(t, file, `wer","more":1}`)
			sees(false)
			write(t, file, "\n")
			sees(true)
			write(t, file, strings.Repeat(`{"type":"attachment","parentUuid":"the-answer","uuid":"x"}`+"\n", 100))
			if found, err := looker(t, c.env, "s-1", "the-answer")(); !found || err != nil {
				t.Errorf("looked for again: %t, %v", found, err)
			}
			if err := os.Truncate(file, 0); err != nil {
				t.Fatal(err)
			}
			sees(false)
			write(t, file, `{"type":"assistant","uuid":"the-answer"}`+"\n")
			sees(true)
		})
	}
}

// Names that lead elsewhere, or none, are not looked for; and what lies where a
// session should be does not block.
func TestClaudeRecordedNowhere(t *testing.T) {
	home := t.TempDir()
	env := map[string]string{"HOME": home}
	for _, c := range [][2]string{{"", "u"}, {"s", ""}, {"../s", "u"}, {"s", `u\"`}, {"s/..", "u"}} {
		if looker(t, env, c[0], c[1]) != nil {
			t.Errorf("session %q, answer %q are looked for", c[0], c[1])
		}
	}
	dir := filepath.Join(home, ".claude", "projects", "p")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "s.jsonl"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := looker(t, env, "s", "u")(); found || err == nil || !strings.Contains(err.Error(), "it is no file") {
		t.Errorf("a pipe: %t, %v", found, err)
	}
}
