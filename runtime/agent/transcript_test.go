package agent

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// conversation is a transcript as the supervisor keeps it: two ticks, the first
// one asked twice, and a line that a crash cut off.
func conversation(t *testing.T) string {
	t.Helper()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.Local)
	var all bytes.Buffer
	add := func(tick, attempt int, l TranscriptLine) {
		l.Tick, l.Attempt, l.Time = tick, attempt, at
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(append(text, '\n'))
	}
	in := func(text string) TranscriptLine {
		line, _ := json.Marshal(map[string]any{"type": "user", "message": map[string]string{"role": "user", "content": text}})
		return TranscriptLine{In: line}
	}
	out := func(line string) TranscriptLine { return TranscriptLine{Out: []byte(line)} }
	add(0, 0, TranscriptLine{Start: &TranscriptStart{Kind: "claude", Command: []string{"/bin/claude", "-p"},
		Texts: map[string]string{PromptFile: "Play well.", SystemFile: "You are ann."}}})
	add(0, 1, in("Tick 0."))
	add(0, 1, out(`{"type":"system","subtype":"init","session_id":"s-1","model":"haiku"}`))
	add(0, 1, out(`{"type":"assistant","message":{"content":[{"type":"thinking","thinking":"Hm."},{"type":"text","text":"Let me see."},{"type":"tool_use","name":"Bash","input":{"command":"ls"}}]}}`))
	add(0, 1, out(`{"type":"user","message":{"content":[{"type":"tool_result","content":[{"type":"text","text":"notes"},{"type":"image"}]},{"type":"tool_result","is_error":true,"content":"denied"}]}}`))
	add(0, 1, out(`{"type":"assistant","message":{"content":"No."}}`))
	add(0, 1, TranscriptLine{Out: resultLine(map[string]any{"result": "No.", "num_turns": 2})})
	add(0, 2, in("Tick 0. Your last answer was not accepted: no JSON"))
	add(0, 2, out(`{"type":"assistant","message":{"content":[{"type":"text","text":"{\"action\":1}"}]}}`))
	add(0, 2, TranscriptLine{Out: resultLine(map[string]any{"result": `{"action":1}`})})
	add(1, 1, in("Tick 1."))
	add(1, 1, out(`{"type":"system","subtype":"compact_boundary"}`))
	add(1, 1, TranscriptLine{Out: resultLine(map[string]any{"is_error": true, "api_error_status": 429, "result": "slow down", "total_cost_usd": 0})})
	all.WriteString(`{"tick":1,"attempt":1,"out":{"type":"assi`)
	return all.String()
}

// TestTranscript compares what people see of it; UPDATE_SCRIPTS writes it anew.
func TestTranscript(t *testing.T) {
	const golden = "testdata/transcript.txt"
	var got bytes.Buffer
	if found, err := PrintTranscript(&got, strings.NewReader(conversation(t)), AllTicks); !found || err != nil {
		t.Fatal(found, err)
	}
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s\nwant\n%s", got.String(), want)
	}
}

func TestTranscriptOfOneTick(t *testing.T) {
	text := conversation(t)
	var got bytes.Buffer
	found, err := PrintTranscript(&got, strings.NewReader(text), 1)
	if !found || err != nil || !strings.HasPrefix(got.String(), "\n══ tick 1, ") || strings.Contains(got.String(), "Tick 0") || strings.Contains(got.String(), "started") {
		t.Errorf("%v, %v\n%s", found, err, got.String())
	}
	got.Reset()
	if found, err = CopyTranscript(&got, strings.NewReader(text), 1); !found || err != nil || strings.Count(got.String(), "\n") != 3 || !strings.Contains(text, got.String()) {
		t.Errorf("%v, %v\n%s", found, err, got.String())
	}
	for _, print := range []func() (bool, error){
		func() (bool, error) { return PrintTranscript(&got, strings.NewReader(text), 2) },
		func() (bool, error) { return CopyTranscript(&got, strings.NewReader(text), 2) },
	} {
		got.Reset()
		if found, err := print(); found || err != nil || got.Len() > 0 {
			t.Errorf("tick 2: %v, %v\n%s", found, err, got.String())
		}
	}
}
