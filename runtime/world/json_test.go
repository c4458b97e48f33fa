package world

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadLine(t *testing.T) {
	l, err := readLine([]byte(` { "type" : "st\u0065p" , "a" : [ 1 , "x , }" ] , "b" : null, "" : {} } `))
	if err != nil {
		t.Fatal(err)
	}
	if l.kind != "step" || string(l.fields["a"]) != `[1,"x , }"]` || string(l.fields[""]) != `{}` || l.fields["b"] != nil {
		t.Errorf("read %q %q", l.kind, l.fields)
	}
	for _, log := range []string{"", " ", "hello", "[]", `"type"`, "{}", "{", `{'type'`, `{"a":1}`, `{"type":1}`, `{"type":null}`} {
		if _, err := readLine([]byte(log)); !errors.Is(err, errNoMessage) {
			t.Errorf("%q: error %v, want log", log, err)
		}
	}
}

// FuzzReadLine reads any line as the world's and as the runtime's side would.
// What is understood must be what encoding/json understands, and what is said
// again must be understood the same.
func FuzzReadLine(f *testing.F) {
	for _, seed := range []string{
		readyAB,
		`{"type":"ready","observations":{"a":1},"snapshot":true,"action_schema":{"a*":{"type":"object"},"*":true},"noop":{}}`,
		`{"type":"stepped","observations":{"a":{"x":[1,"\u00e9"]}},"scores":{"a":1.5},"columns":{"c":"d"},"events":[1],"add":[{"id":"c","config":{}}],"remove":["b"],"channels":{"x":["a"]},"done":true}`,
		`{"type":"refused","tick":0,"refused":{"a":"why"}}`,
		`{"type":"state","state":{"x":1}}`,
		`{"type":"init","protocol":1,"run":"r","seed":5,"config":{},"agents":[{"id":"a","config":{}}],"state":1,"tick":3}`,
		`{"type":"step","tick":0,"actions":[{"agent":"a","action":{}},{"agent":"b","action":null,"failure":"crash"}]}`,
		`{"type":"a","type":"b"}`, "{\"type\":\"\xff\"}", `{"type":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := readLine(text)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q was understood, but %v", text, err)
		}
		if !utf8.Valid(text) {
			t.Fatalf("%q was understood", text)
		}
		for name, value := range l.fields {
			if !json.Valid(value) || want[name] == nil {
				t.Fatalf("%q: field %q is %q", text, name, value)
			}
		}
		fuzzAnswers(t, l)
		if init, err := decodeInit(l); err == nil {
			again, err := readLine(appendInit(nil, init))
			if err != nil || again.kind != "init" {
				t.Fatalf("init %+v is not understood again: %v", init, err)
			}
		}
		if tick, actions, err := decodeStep(l); err == nil {
			if again, err := readLine(appendStep(nil, tick, actions)); err != nil || again.kind != "step" {
				t.Fatalf("step %+v is not understood again: %v", actions, err)
			}
		}
	})
}

func fuzzAnswers(t *testing.T, l line) {
	who := census{"a": lives, "b": lives}
	if ready, err := decodeReady(l, who); err == nil {
		if again, err := readLine(appendReady(nil, ready.Ready, ready.snapshot)); err != nil || again.kind != "ready" {
			t.Fatalf("ready %+v is not understood again: %v", ready, err)
		}
	}
	if _, err := decodeRefused(l, 0, []Action{act("a", `1`)}); err != nil && !strings.Contains(err.Error(), l.kind) {
		t.Fatalf("error %q does not name the message %q", err, l.kind)
	}
	stepped, err := decodeStepped(l, 0, who)
	if err != nil {
		if who["a"] != lives || who["b"] != lives {
			t.Fatalf("a step with the error %v changed who lives", err)
		}
		return
	}
	first := appendStepped(nil, stepped)
	again, err := readLine(first)
	if err != nil {
		t.Fatalf("%s is not understood again: %v", first, err)
	}
	second, err := decodeStepped(again, 0, census{"a": lives, "b": lives})
	if err != nil || string(appendStepped(nil, second)) != string(first) {
		t.Fatalf("%s became %s, error %v", first, appendStepped(nil, second), err)
	}
}
