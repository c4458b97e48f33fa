package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

const typicalAct = `{"type":"act","agent":"tit-for-tat","tick":731,"action":{"move":"C","why":"it was kind to me"},"send":[],"done":false}`

func TestDecode(t *testing.T) {
	act := func(a Act) Line { return Line{Type: "act", Agent: a.Agent, Tick: a.Tick, Act: a} }
	tests := map[string]Line{
		`{"type":"ready","agent":"a"}`: {Type: "ready", Agent: "a"},
		typicalAct:                     act(Act{Agent: "tit-for-tat", Tick: 731, Action: []byte(`{"move":"C","why":"it was kind to me"}`)}),
		"\t{ \"tick\" : 0 , \"agent\":\"b\\u002d1\", \"action\": [ 1 , \"a b\\\" c\", { } ] ,\n\"type\":\"act\" , \"done\" : true }\r": act(Act{
			Agent: "b-1", Action: []byte(`[1,"a b\" c",{}]`), Done: true}),
		`{"type":"act","agent":"a","tick":3}`: act(Act{Agent: "a", Tick: 3, Action: []byte("null")}),
		`{"type":"act","agent":"a","tick":3,"tick":4,"send":null,"done":null,"action":1,"action":2}`: act(Act{
			Agent: "a", Tick: 4, Action: []byte("2")}),
		`{"type":"act","agent":"a","tick":3,"send":[{"to":"bob","body":{"a": 1}},{"channel":"sq","to":null,"body":null,"x":[]}]}`: act(Act{
			Agent: "a", Tick: 3, Action: []byte("null"),
			Send: []Send{{To: "bob", Body: []byte(`{"a":1}`)}, {Channel: "sq", Body: []byte("null")}}}),
		`{"ty\u0070e":"act","agent":"\ud83d\ude00\ud800","tick":1}`: act(Act{Agent: "😀\uFFFD", Tick: 1, Action: []byte("null")}),
		`{"type":"state","agent":"a","state":{"n": 1}}`:             {Type: "state", Agent: "a", State: []byte(`{"n":1}`)},
		`{"type":"log","text":"hi\n\"you\""}`:                       {Type: "log", Level: "info", Text: "hi\n\"you\""},
		`{"type":"log","agent":"a","level":"warn","text":"x"}`:      {Type: "log", Agent: "a", Level: "warn", Text: "x"},
		`{"type":"dance","agent":7}`:                                {Type: "dance"},
	}
	for line, want := range tests {
		in := []byte(line)
		got, err := Decode(in)
		clear(in)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", line, got, err, want)
		}
	}
}

func TestDecodeNotProtocol(t *testing.T) {
	for _, line := range []string{
		``, ` `, `hello`, `{`, `{}`, `[]`, `null`, `"type"`, `7`, `{"type":7}`, `{"type":null}`, `[{"type":"act"}]`,
		`{"type":"act","agent":"a","tick":1`, `{"type":"act","agent":"a","tick":1}}`, `{"type":"act"} x`, `{"type":"act",}`,
		`{'type':'act'}`, `{"type":"act","tick":01}`, `{"type":"act","tick":+1}`, `{"type":"act","x":.5}`, `{"type":"act","x":1.}`,
		`{"type":"act","x":1e}`, `{"type":"act","x":tru}`, `{"type":"act","x":"\q"}`, `{"type":"act","x":"\u12g4"}`,
		"{\"type\":\"act\",\"x\":\"\n\"}", "{\"type\":\"act\",\x00}", "{\"type\":\"act\"}\x00", `{"type":"act" "tick":1}`, `{"type"}`, `{"type":}`,
		`{"type":"log"}`, `{"type":"log","text":7}`, "{\"type\":\"log\",\"text\":\"\xff\"}", "\xef\xbb\xbf{\"type\":\"act\"}",
		`{"x":[1,2}`, `{"x":{"a":1]}`, `{"type":"act","x":-}`, `{"type":"act","x":NaN}`,
	} {
		if got, err := Decode([]byte(line)); !errors.Is(err, ErrNotProtocol) {
			t.Errorf("%q: got %+v, %v", line, got, err)
		}
	}
}

func TestDecodeMalformed(t *testing.T) {
	deep := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	type want struct {
		agent  string
		tick   int
		reason string
	}
	tests := map[string]want{
		`{"type":"act","agent":"a","tick":1,"action":` + deep + `}`:         {"a", 1, "more than 1000 arrays and objects"},
		"{\"type\":\"act\",\"agent\":\"a\",\"tick\":1,\"action\":\"\xff\"}": {"a", 1, "invalid UTF-8 at byte 45"},
		`{"type":"act","tick":1}`:                                {"", 1, `no "agent"`},
		`{"type":"act","agent":7,"tick":1}`:                      {"", 1, `no "agent"`},
		`{"type":"act","agent":""}`:                              {"", -1, `no "agent"`},
		`{"type":"act","agent":"a"}`:                             {"a", -1, `it has no "tick"`},
		`{"type":"act","agent":"a","tick":-1}`:                   {"a", -1, `its "tick" is -1 and not a whole number`},
		`{"type":"act","agent":"a","tick":1.5}`:                  {"a", -1, `its "tick" is 1.5`},
		`{"type":"act","agent":"a","tick":"1"}`:                  {"a", -1, `its "tick" is "1"`},
		`{"type":"act","agent":"a","tick":99999999999999999999}`: {"a", -1, `its "tick" is 9999`},
		`{"type":"act","agent":"a","tick":1,"done":1}`:           {"a", 1, `its "done" is 1`},
		`{"type":"act","agent":"a","tick":1,"send":{}}`:          {"a", 1, `"send" is not a list`},
		`{"type":"act","agent":"a","tick":1,"send":[7]}`:         {"a", 1, `send[0] is not an object`},
		`{"type":"act","agent":"a","tick":1,"send":[{"to":"b","body":1},{"body":1}]}`: {"a", 1,
			`send[1] names neither "to" nor "channel"`},
		`{"type":"act","agent":"a","tick":1,"send":[{"to":"b","channel":"c","body":1}]}`: {"a", 1, `names both`},
		`{"type":"act","agent":"a","tick":1,"send":[{"to":"b"}]}`:                        {"a", 1, `send[0] has no "body"`},
		`{"type":"act","agent":"a","tick":1,"send":[{"to":7,"body":1}]}`:                 {"a", 1, `"to" that is not an agent's id`},
		`{"type":"act","agent":"a","tick":1,"send":[{"channel":"","body":1}]}`:           {"a", 1, `"channel" that is not`},
		`{"type":"ready"}`:             {"", -1, `no "agent"`},
		`{"type":"state","agent":"a"}`: {"a", -1, `it has no "state"`},
	}
	for line, want := range tests {
		_, err := Decode([]byte(line))
		var m *MalformedError
		if !errors.As(err, &m) {
			t.Errorf("%.80s: got %v", line, err)
			continue
		}
		if m.Agent != want.agent || m.Tick != want.tick || !strings.Contains(err.Error(), want.reason) {
			t.Errorf("%.80s: got %q %d %q", line, m.Agent, m.Tick, err)
		}
	}
}

func TestDepth(t *testing.T) {
	open, shut := strings.Repeat(`{"a":[`, maxDepth/2), strings.Repeat(`]}`, maxDepth/2)
	if _, err := Compact(nil, []byte(open+shut)); err != nil {
		t.Error(err)
	}
	if _, err := Compact(nil, []byte("["+open+shut+"]")); err == nil {
		t.Error("nothing is said of a text that is too deep")
	}
	if _, err := Compact(nil, bytes.Repeat([]byte("["), 1<<20)); err == nil {
		t.Error("nothing is said of a text that is much too deep")
	}
}

func FuzzCompact(f *testing.F) {
	for _, seed := range []string{typicalAct, ` [ 1 , -0.5e+7 , "\u00e9 \n é" , true,false,null , {} , [ ] , {"a" : { } } ] `, "\"\xff\"", `01`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Compact([]byte("x"), text)
		if valid := json.Valid(text) && utf8.Valid(text); (err == nil) != valid {
			if strings.Count(string(text), "[")+strings.Count(string(text), "{") > maxDepth {
				return
			}
			t.Fatalf("%q: encoding/json and utf8 say %v, we say %v", text, valid, err)
		}
		if err != nil {
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, text); err != nil || "x"+want.String() != string(got) {
			t.Fatalf("%q: got %q, want %q, %v", text, got, want.String(), err)
		}
	})
}

// FuzzDecode holds what Decode reads against what encoding/json reads.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{typicalAct, `{"type":"act","agent":"a","tick":1,"send":[{"to":"b","body":[ 1 ]}]}`, `{"type":"log","text":"\ud800x"}`, `{"type":"state","agent":"a","state":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := Decode(line)
		var object map[string]json.RawMessage
		isObject := json.Unmarshal(line, &object) == nil && object != nil
		var typ string
		hasType := isObject && len(object["type"]) > 0 && object["type"][0] == '"' && json.Unmarshal(object["type"], &typ) == nil
		if !hasType {
			if err == nil {
				t.Fatalf("%q: %+v is no line of the protocol", line, l)
			}
			return
		}
		if err != nil || l.Type != TypeAct {
			return
		}
		var want struct {
			Agent string
			Tick  int
			Done  bool
		}
		for name, into := range map[string]any{"agent": &want.Agent, "tick": &want.Tick, "done": &want.Done} {
			if raw, ok := object[name]; ok {
				if err := json.Unmarshal(raw, into); err != nil {
					t.Fatalf("%q: %s: %v", line, name, err)
				}
			}
		}
		if l.Agent != want.Agent || l.Tick != want.Tick || l.Act.Done != want.Done || !json.Valid(l.Act.Action) {
			t.Fatalf("%q: got %+v, want %+v", line, l, want)
		}
		for _, m := range l.Act.Send {
			if (m.To == "") == (m.Channel == "") || !json.Valid(m.Body) {
				t.Fatalf("%q: sends %+v", line, m)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	line := []byte(typicalAct)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeEncodingJSON(b *testing.B) {
	line := []byte(typicalAct)
	b.ReportAllocs()
	for b.Loop() {
		var l struct {
			Type, Agent string
			Tick        int
			Action      json.RawMessage
			Send        []struct {
				To, Channel string
				Body        json.RawMessage
			}
			Done bool
		}
		if err := json.Unmarshal(line, &l); err != nil {
			b.Fatal(err)
		}
	}
}
