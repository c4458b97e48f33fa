package agent

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestReply(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an envelope":           {`{"action": {"move": "C"}}`, `{"move":"C"}`},
		"the action itself":     {`{"move": "C"}`, `{"move":"C"}`},
		"after prose":           {"I think so.\n\n{\"action\": 7}\n", `7`},
		"before prose":          {`{"action": 7} is my answer.`, `7`},
		"in a fence":            {"So:\n```json\n{\n  \"action\": {\"move\": \"D\"}\n}\n```\n", `{"move":"D"}`},
		"prose with braces":     {`If {they} defect, {I} do: {"action": "D"}. {Sorry}`, `"D"`},
		"a set of code":         {"func f() { return }\n{\"action\": 1}", `1`},
		"the last one":          {`{"action": 1} or rather {"action": 2}`, `2`},
		"the outer one":         {`{"action": {"a": {"b": {}}}}`, `{"a":{"b":{}}}`},
		"the last whole one":    {`{"action": 1} and then {"action": `, `1`},
		"one within broken one": {`{oops {"action": 1}`, `1`},
		"braces in a string":    {`{"action": "} {\" {"}`, `"} {\" {"`},
		"an action in a list":   {`[{"action": 1}, {"action": 2}]`, `2`},
		"an empty one":          {`{}`, `{}`},
		"no action":             {`{"action": null}`, `null`},
		"twice the same name":   {`{"action": 1, "action": 2}`, `2`},
		"done alone":            {`{"done": true}`, `null done`},
		"not done":              {`{"action": 1, "done": false}`, `1`},
		"sends": {`{"action": 1, "send": [{"to": "bob", "body": [1, 2]}, {"channel": "square", "body": "x"}], "done": true}`,
			`1 bob:[1,2] #square:"x" done`},
		"sends alone":     {`{"send": [{"to": "bob", "body": 1}]}`, `null bob:1`},
		"sends of nobody": {`{"action": 1, "send": null}`, `1`},
		"letters":         {`{"action": {"é": "日本"}}`, `{"é":"日本"}`},

		"nothing":        {``, `! your answer holds no JSON object; end it with {"action": your action}`},
		"prose":          {`I would rather not.`, `! your answer holds no JSON object; end it with {"action": your action}`},
		"a list":         {`[1, 2]`, `! your answer holds no JSON object; end it with {"action": your action}`},
		"cut off":        {`Well: {"action": {"move": "C"`, `! the JSON of your answer cannot be read: the line ends where a comma or } should be at byte 23`},
		"no JSON at all": {`{action: C}`, `! the JSON of your answer cannot be read: 'a' where a name in quotes should be at byte 1`},
		"odd done":       {`{"action": 1, "done": "yes"}`, `! the JSON object of your answer is ill-formed: its "done" is "yes" and neither true nor false`},
		"odd send":       {`{"action": 1, "send": [{"body": 1}]}`, `! the JSON object of your answer is ill-formed: send[0] names neither "to" nor "channel"`},
	} {
		t.Run(name, func(t *testing.T) {
			act, reason := reply(c.text)
			got := actText(&act)
			if reason != "" {
				got = "! " + reason
			}
			if got != c.want {
				t.Errorf("%s\ngot  %s\nwant %s", c.text, got, c.want)
			}
		})
	}
}

func actText(a *Act) string {
	text := string(a.Action)
	for _, s := range a.Send {
		if s.Channel != "" {
			s.To = "#" + s.Channel
		}
		text += fmt.Sprintf(" %s:%s", s.To, s.Body)
	}
	if a.Done {
		text += " done"
	}
	return text
}

// A reply that was made to look like broken objects all over takes no longer
// than others of its size: it is read while nothing else of its process is.
func TestReplyOfManyBraces(t *testing.T) {
	for name, unit := range map[string]string{
		"braces": "{", "names": `{"`, "in one another": `{"a":`, "lists": `{"a":[`, "never closed": `{"a":[{},`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, reason := reply(strings.Repeat(unit, 512<<10/len(unit))); reason == "" && name != "never closed" {
				t.Error("no reason to refuse it")
			}
		})
	}
}

// A reply never panics, and what it gives is compact JSON, however it was
// written.
func FuzzReply(f *testing.F) {
	for _, text := range []string{
		`I think. {"action":{"move":"C"}}`, "```json\n{\"move\": \"D\"}\n```", `{"action": 1, "send": [{"to":"b","body":{}}], "done": true}`,
		`{"a":{"b":[{}]}} {`, `{"é":"\ud83d"}`, `{"send": [{"channel":"x"}]}`, "{\"a\": \"\xff\"}", `{"action":`, `{{{"a":1}}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		act, reason := reply(text)
		if reason != "" {
			if act.Action != nil || act.Send != nil || act.Done {
				t.Errorf("%q: refused because %s, and yet %s", text, reason, actText(&act))
			}
			return
		}
		isCompact(t, act.Action)
		for _, s := range act.Send {
			isCompact(t, s.Body)
			if (s.To == "") == (s.Channel == "") {
				t.Errorf("%q: sends to %q and channel %q", text, s.To, s.Channel)
			}
		}
	})
}

func isCompact(t *testing.T, value []byte) {
	t.Helper()
	if again, err := Compact(nil, value); err != nil || !bytes.Equal(again, value) {
		t.Errorf("%q is not compact JSON: %v", value, err)
	}
}
