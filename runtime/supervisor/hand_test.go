package supervisor

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/socket"
)

// What is no act is told at once, in words for a model.
func TestActOf(t *testing.T) {
	long := `"` + strings.Repeat("x", agent.MaxLine) + `"`
	for _, c := range []struct {
		request, want string // what the act is, or how its error begins
	}{
		{`{"action":{"a": 1.50}}`, `{"a":1.50} false 0`},
		{`{"action":[1]}`, `[1] false 0`},
		{`{"action":"C"}`, `"C" false 0`},
		{`{"done":true}`, `null true 0`},
		{`{"action":{},"send":null}`, `{} false 0`},
		{`{"action":{},"send":[{"to":"bob","body":1},{"channel":"hall","body":null}],"done":true}`, `{} true 2`},
		{`{}`, `cannot act without an action`},
		{`{"action":null}`, `cannot act without an action`},
		{`{"action":"{\"a\":1}"}`, `cannot take this action: it is text`},
		{`{"action":{"a":"\ud800"}}`, `{"a":"\ud800"} false 0`},
		{`{"action":{},"send":{}}`, `cannot send this: "send" is not a list`},
		{`{"action":{},"send":[{"to":"bob"}]}`, `cannot send this: send[0] has no "body"`},
		{`{"action":` + long + `}`, `an action and its messages may take`},
	} {
		var r socket.Request
		if err := json.Unmarshal([]byte(c.request), &r); err != nil {
			t.Fatal(err)
		}
		a, err := actOf("ann", &r)
		got := string(a.Action) + " " + map[bool]string{true: "true", false: "false"}[a.Done] + " " + string('0'+rune(len(a.Send)))
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) || err == nil && (got != c.want || a.Agent != "ann") {
			t.Errorf("%.80s: got %q, want %q", c.request, got, c.want)
		}
	}
}
