package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestToolCalls(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var all bytes.Buffer
	add := func(tick, attempt int, l TranscriptLine) {
		at = at.Add(time.Second)
		l.Tick, l.Attempt, l.Time = tick, attempt, at
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(append(text, '\n'))
	}
	use := func(id, above, name, input string) TranscriptLine {
		return TranscriptLine{Out: fmt.Appendf(nil, `{"type":"assistant","parent_tool_use_id":%q,"message":{"content":[{"type":"text","text":"so"},{"type":"tool_use","id":%q,"name":%q,"input":%s}]}}`, above, id, name, input)}
	}
	result := func(id, content string, failed bool) TranscriptLine {
		return TranscriptLine{Out: fmt.Appendf(nil, `{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":%q,"content":%s,"is_error":%t}]}}`, id, content, failed)}
	}
	asked := TranscriptLine{In: []byte(`{"type":"user","message":{"role":"user","content":"Tick"}}`)}
	started := TranscriptLine{Start: &TranscriptStart{Kind: "claude"}}
	add(0, 0, started)
	add(0, 1, asked)
	add(0, 1, use("1", "", "Task", `{"do":"all"}`))
	add(0, 1, use("2", "1", "Bash", `{"command":"ls"}`))
	add(0, 1, result("2", `[{"type":"text","text":"notes"},{"type":"image"}]`, false))
	add(0, 1, result("9", `"of nobody"`, false))
	add(0, 1, result("1", `"denied"`, true))
	add(0, 2, asked)
	add(0, 2, use("1", "", "Bash", `{}`)) // and dies
	add(0, 2, started)
	add(0, 2, asked)
	add(0, 2, use("1", "", "Bash", `{"command":"ls"}`))
	all.WriteString("{\"tick\":0\n")
	add(0, 2, result("1", `[]`, false))
	add(1, 1, asked)
	add(1, 1, use("3", "", "Read", `null`))
	var got []string
	err := ToolCalls(strings.NewReader(all.String()), func(c *ToolCall) error {
		text := fmt.Sprintf("%d/%d %s%s %s%s", c.Tick, c.Attempt, c.ID, c.Parent, c.Name, c.Input)
		if c.Answered {
			text += fmt.Sprintf(" %q %t %s", c.Result, c.Failed, c.Took)
		}
		got = append(got, text)
		return nil
	})
	want := `0/1 1 Task{"do":"all"} "denied" true 4s
0/1 21 Bash{"command":"ls"} "notes(image)" false 1s
0/2 1 Bash{}
0/2 1 Bash{"command":"ls"} "" false 1s
1/1 3 Readnull`
	if text := strings.Join(got, "\n"); err != nil || text != want {
		t.Errorf("%v\n%s\nwant\n%s", err, text, want)
	}
	enough := errors.New("enough")
	if err := ToolCalls(strings.NewReader(all.String()), func(*ToolCall) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("it went on: %v", err)
	}
}
