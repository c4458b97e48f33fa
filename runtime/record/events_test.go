package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/tree"
)

func TestAppendEvents(t *testing.T) {
	r := &Record{
		Tick: 7,
		Turns: []Turn{
			{Agent: "a", Observation: []byte(`{"x":1}`), Action: []byte(`{"move":"up"}`), Done: true},
			{Agent: "b", Observation: []byte(`{}`), Failure: "deadline", Policy: "skip", Unsent: true},
		},
		Messages:   []Message{{From: "a", To: "b", Body: []byte(`"hi"`)}, {From: "a", Channel: "square", Body: []byte(`1`), Fate: &Fate{Copies: 2}}},
		Partitions: []Partition{{[][]string{{"a"}, {"b-*", "c"}}}},
		Results:    []Result{{"a", []byte(`{"ok":false}`)}},
		Scores:     []Score{{"a", []byte("3.50")}},
		Events:     [][]byte{[]byte(`{"fell":"tree"}`)},
		Columns:    []Column{{"n", []byte("7")}},
		Added:      []Added{{"c", []byte(`{}`)}},
		Removed:    []string{"b"},
		Channels:   []Channel{{"square", []string{"a", "c"}}, {"den", nil}},
		End:        EndDone,
		Commits: []tree.Commit{{Number: 4, Author: "a", Message: "m", Changes: []tree.Change{
			{Path: "f", Exec: true, Content: []byte("x")}, {Path: "g", Delete: true},
		}}},
		Leases: []tree.Step{
			{Agent: "b", What: tree.Granted, Ticket: 1, Token: 2, TTL: 3, Paths: []string{"f"}},
			{Agent: "c", What: tree.Ended, Ticket: 2, Paths: []string{"f", "h"}, Why: "unlocked"},
		},
		Annex: Annex{
			Time:    time.Date(2001, 2, 3, 4, 5, 6, 7e6, time.FixedZone("", 3600)),
			Elapsed: Elapsed{Ask: 1500 * time.Microsecond, Step: 20 * time.Microsecond},
			Timed:   1,
			Attempts: []Attempt{
				{Agent: "a", Attempt: 1, Error: "no \"such\"\nmove", Failure: agent.InvalidAction, Act: agent.Act{Action: []byte(`2`), Send: []agent.Send{{To: "b", Body: []byte(`0`)}, {Channel: "square"}}, Done: true}},
				{Agent: "b", Attempt: 2, Failure: agent.Oversize},
			},
			Facts: []Fact{{Agent: "b", Kind: "late", Tick: 6}, {Agent: "a", Kind: "crashed", Tick: 7, Detail: "exit status 3"}},
			Usages: []Usage{{Agent: "a", Attempt: 1, Usage: agent.Usage{
				Model: "m", Session: "s", Turns: 2, Input: 3, Output: 4, CacheRead: 5, CacheWrite: 6, USD: agent.FromDollars(0.0012), Took: 7 * time.Millisecond,
			}}},
		},
	}
	want := `{"tick":7,"type":"observation","agent":"a","observation":{"x":1}}
{"tick":7,"type":"outcome","agent":"a","action":{"move":"up"},"done":true}
{"tick":7,"type":"observation","agent":"b","observation":{}}
{"tick":7,"type":"outcome","agent":"b","failure":"deadline","policy":"skip","action":null,"unsent":true}
{"tick":7,"type":"message","from":"a","to":"b","body":"hi"}
{"tick":7,"type":"message","from":"a","channel":"square","body":1,"copies":2}
{"tick":7,"type":"partition","groups":[["a"],["b-*","c"]]}
{"tick":7,"type":"result","agent":"a","result":{"ok":false}}
{"tick":7,"type":"score","agent":"a","score":3.50}
{"tick":7,"type":"event","event":{"fell":"tree"}}
{"tick":7,"type":"column","name":"n","value":7}
{"tick":7,"type":"added","agent":"c","config":{}}
{"tick":7,"type":"removed","agent":"b"}
{"tick":7,"type":"channel","channel":"square","members":["a","c"]}
{"tick":7,"type":"channel","channel":"den","members":[]}
{"tick":7,"type":"commit","agent":"a","version":4,"message":"m","files":[{"path":"f","exec":true,"size":1,"sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"},{"path":"g","deleted":true}]}
{"tick":7,"type":"lease","agent":"b","lease":"granted","paths":["f"],"ticket":1,"token":2,"ttl":3}
{"tick":7,"type":"lease","agent":"c","lease":"ended","paths":["f","h"],"ticket":2,"why":"unlocked"}
{"tick":7,"type":"attempt","agent":"a","attempt":1,"error":"no \"such\"\nmove","failure":"invalid_action","action":2,"send":[{"to":"b","body":0},{"channel":"square","body":null}],"done":true}
{"tick":7,"type":"attempt","agent":"b","attempt":2,"failure":"oversize","action":null}
{"tick":7,"type":"fact","agent":"b","fact":"late","about":6}
{"tick":7,"type":"fact","agent":"a","fact":"crashed","about":7,"detail":"exit status 3"}
{"tick":7,"type":"usage","agent":"a","attempt":1,"model":"m","session":"s","turns":2,"input":3,"output":4,"cache_read":5,"cache_write":6,"usd":0.0012,"took_ms":7}
{"tick":7,"type":"tick","hash":"ab` + strings.Repeat("00", 30) + `01","time":"2001-02-03T03:05:06.007Z","ask_ms":1.5,"step_ms":0.02,"timed":1,"end":"done"}
`
	hash := [HashSize]byte{0: 0xab, 31: 1}
	if got := string(AppendEvents(nil, r, hash)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	empty := `{"tick":0,"type":"tick","hash":"` + strings.Repeat("00", 32) + `","ask_ms":0,"step_ms":0,"timed":0}` + "\n"
	if got := string(AppendEvents([]byte("before\n"), &Record{}, [HashSize]byte{})); got != "before\n"+empty {
		t.Errorf("got %s", got)
	}
}

func TestEventsAreJSON(t *testing.T) {
	m := newMaker(3)
	for tick := range 500 {
		out := AppendEvents(nil, m.record(tick), genesis)
		lines := bufio.NewScanner(bytes.NewReader(out))
		last := ""
		for lines.Scan() {
			var got struct {
				Tick *int
				Type string
			}
			if err := json.Unmarshal(lines.Bytes(), &got); err != nil || got.Tick == nil || *got.Tick != tick || got.Type == "" {
				t.Fatalf("%v: %s", err, lines.Bytes())
			}
			last = got.Type
		}
		if last != "tick" || out[len(out)-1] != '\n' {
			t.Fatalf("the last line is of type %q", last)
		}
	}
}

func TestLive(t *testing.T) {
	r := &Record{
		Tick:    2,
		Scores:  []Score{{"a", []byte("1")}, {"b", []byte("2.5")}},
		Columns: []Column{{`"n"`, []byte("[1]")}, {"o", nil}},
		End:     EndEmpty,
	}
	zeros := strings.Repeat("00", 32)
	for _, c := range []struct{ got, want string }{
		{string(AppendTick(nil, r, [HashSize]byte{})), `{"tick":2,"hash":"` + zeros + `","scores":{"a":1,"b":2.5},"columns":{"\"n\"":[1],"o":null},"end":"empty"}`},
		{string(AppendTick(nil, &Record{}, [HashSize]byte{})), `{"tick":0,"hash":"` + zeros + `","scores":{},"columns":{}}`},
		{string(AppendMessage(nil, 2, &Message{From: "a", To: "b", Body: []byte(`{}`)})), `{"tick":2,"from":"a","to":"b","body":{}}`},
		{string(AppendMessage(nil, 2, &Message{From: "a", To: "b", Body: []byte(`{}`), Fate: &Fate{Copies: 0}})), `{"tick":2,"from":"a","to":"b","body":{},"copies":0}`},
		{string(AppendMessage(nil, 2, &Message{From: "a", To: "b", Body: []byte(`{}`), Fate: &Fate{Copies: 1, Delay: 2, Cut: 1}})), `{"tick":2,"from":"a","to":"b","body":{},"delay":2,"cut":1}`},
		{string(AppendMessage(nil, 2, &Message{From: "a", Channel: "sq", Body: []byte(`{}`)})), `{"tick":2,"from":"a","channel":"sq","body":{}}`},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\r\t\x00\x1f\x7f", "Zoë\u2028", "a\xffb\xc3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := appendString(nil, s)
		var got string
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q becomes %s: %v", s, out, err)
		}
		want := s
		if !utf8.ValidString(s) {
			want = string([]rune(s))
		}
		if got != want {
			t.Errorf("%q comes back as %q", s, got)
		}
	})
}
