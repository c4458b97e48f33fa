package agent

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"
)

func TestEncode(t *testing.T) {
	observe := &Observe{
		Agent: "tft-1", Tick: 7, Deadline: 5 * time.Second, Observation: []byte(`{"x":1}`),
		Messages: []Message{{From: "bob", Channel: "square", Body: []byte(`"hi"`)}, {From: "al", Body: []byte(`{}`)}},
		Results:  [][]byte{[]byte(`{"a":1}`), []byte(`{"b":2}`)},
		Attempt:  2, Error: "no \"such\"\nmove", Seed: 9, Config: []byte(`{"k":1}`),
	}
	long := `{"type":"observe","agent":"tft-1","tick":7,"deadline_ms":5000,"observation":{"x":1},` +
		`"messages":[{"from":"bob","channel":"square","body":"hi"},{"from":"al","body":{}}],` +
		`"results":[{"a":1},{"b":2}],"attempt":2,"error":"no \"such\"\nmove"`
	bare := &Observe{Agent: "a", Attempt: 1, Error: "not told", Deadline: time.Microsecond}
	tests := []struct {
		got  []byte
		want string
	}{
		{AppendInit([]byte("x"), Init{Run: "r1", Agent: "tft-1", Seed: 8471, Config: []byte(`{"k":[]}`), State: []byte(`[1]`)}),
			`x{"type":"init","protocol":1,"run":"r1","agent":"tft-1","seed":8471,"config":{"k":[]},"state":[1]}`},
		{AppendInit(nil, Init{Run: "r1", Agent: "a", Seed: 1<<53 - 1}),
			`{"type":"init","protocol":1,"run":"r1","agent":"a","seed":9007199254740991,"config":{}}`},
		{AppendObserve(nil, observe), long + `}`},
		{AppendTurn(nil, observe), long + `,"seed":9,"config":{"k":1}}`},
		{AppendObserve(nil, bare), `{"type":"observe","agent":"a","tick":0,"deadline_ms":1,"observation":null,"messages":[],"results":[]}`},
		{AppendSnapshot(nil, "a"), `{"type":"snapshot","agent":"a"}`},
		{AppendStop(nil, "a", "the run\tended \x01\xff€"), `{"type":"stop","agent":"a","reason":"the run\tended \u0001` + "\uFFFD" + `€"}`},
	}
	for _, test := range tests {
		if string(test.got) != test.want+"\n" {
			t.Errorf("got  %s\nwant %s", test.got, test.want)
		}
	}
}

func TestEncodeAllocatesNothing(t *testing.T) {
	o := &Observe{Agent: "a", Tick: 1000, Observation: []byte(`{}`), Attempt: 2, Error: "x\n",
		Messages: []Message{{From: "b", Body: []byte(`1`)}}}
	buf := make([]byte, 0, 1<<12)
	n := testing.AllocsPerRun(100, func() {
		b := AppendObserve(buf, o)
		b = AppendInit(b, Init{Run: "r", Agent: "a"})
		AppendStop(b, "a", "over")
	})
	if n != 0 {
		t.Errorf("%v allocations where none is wanted", n)
	}
}

func FuzzString(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\/\b\f\n\r\t\x00\x7f\u2028é😀\xff\xc0\x80")
	f.Fuzz(func(t *testing.T, s string) {
		quoted := AppendString(nil, s)
		var got string
		if err := json.Unmarshal(quoted, &got); err != nil || !utf8.Valid(quoted) {
			t.Fatalf("%q: %q: %v", s, quoted, err)
		}
		want, _ := json.Marshal(s) // which makes U+FFFD of invalid bytes too
		var same string
		if err := json.Unmarshal(want, &same); err != nil || got != same {
			t.Fatalf("%q: got %q, want %q, %v", s, got, same, err)
		}
		if back := appendUnquoted(nil, quoted); string(back) != got {
			t.Fatalf("%q: unquoted %q", got, back)
		}
		if back := appendUnquoted(nil, want); string(back) != got {
			t.Fatalf("%q: unquoted %q from %s", got, back, want)
		}
	})
}

func TestSeed(t *testing.T) {
	// The expected figures are Python's: int.from_bytes(sha256(b"1980\0tft").digest()[:8],"big")>>11.
	got := []uint64{Seed(1980, "tft"), Seed(0, ""), TurnSeed(1980, "tft", 12)}
	if want := []uint64{8783389698640814, 8055853820467966, 4726123762487600}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
