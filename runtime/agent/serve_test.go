package agent

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A counter is a player with all the optional powers.
type counter struct {
	start   Start
	n       int
	stopped *[]string
}

func (c *counter) Play(o Observation) Reply {
	c.n++
	return o.Act(map[string]int{"n": c.n, "step": int(c.start.Seed)}).Send("bob", c.n).Say("square", o.Error)
}
func (c *counter) Snapshot() (any, error) { return c.n, nil }
func (c *counter) Stop(reason string)     { *c.stopped = append(*c.stopped, c.start.Agent+": "+reason) }

func serveLines(start func(Start) (Player, error), lines ...string) (string, error) {
	var out bytes.Buffer
	err := ServeOn(strings.NewReader(strings.Join(lines, "\n")), &out, start)
	return out.String(), err
}

func TestServe(t *testing.T) {
	var stopped []string
	start := func(s Start) (Player, error) {
		c := &counter{start: s, stopped: &stopped}
		return c, s.Restore(&c.n)
	}
	got, err := serveLines(start,
		`{"type":"init","protocol":1,"run":"r","agent":"a","seed":7,"config":{},"state":{"state":41}}`,
		`{"type":"init","protocol":1,"run":"r","agent":"b","seed":8,"config":{}}`,
		`{"type":"observe","agent":"a","tick":0,"observation":{},"messages":[],"results":[]}`,
		``,
		`{"type":"observe","agent":"b","tick":0,"observation":{},"messages":[],"results":[],"attempt":2,"error":"so \"what\""}`,
		`{"type":"weather","agent":"b"}`,
		`{"type":"snapshot","agent":"a"}`,
		`{"type":"stop","agent":"a","reason":"over"}`,
		`{"type":"stop","agent":"nobody","reason":"over"}`,
		`{"type":"observe","agent":"b","tick":1,"observation":{},"messages":[],"results":[]}`)
	want := `{"type":"ready","agent":"a"}
{"type":"ready","agent":"b"}
{"type":"act","agent":"a","tick":0,"action":{"n":42,"step":7},"send":[{"to":"bob","body":42},{"channel":"square","body":""}]}
{"type":"act","agent":"b","tick":0,"action":{"n":1,"step":8},"send":[{"to":"bob","body":1},{"channel":"square","body":"so \"what\""}]}
{"type":"state","agent":"a","state":{"state":42}}
{"type":"act","agent":"b","tick":1,"action":{"n":2,"step":8},"send":[{"to":"bob","body":2},{"channel":"square","body":""}]}
`
	if err != nil || got != want {
		t.Errorf("%v\ngot\n%swant\n%s", err, got, want)
	}
	if !reflect.DeepEqual(stopped, []string{"a: over"}) {
		t.Errorf("stopped %q", stopped)
	}
}

// TestServeTurn is an agent with a process per turn.
func TestServeTurn(t *testing.T) {
	line := AppendTurn(nil, &Observe{Agent: "a", Tick: 4, Seed: 5, Config: []byte(`{"k":2}`)})
	got, err := serveLines(func(s Start) (Player, error) {
		var config struct{ K int }
		err := s.Unmarshal(&config)
		return PlayerFunc(func(o Observation) Reply {
			return o.Act(config.K + int(s.Seed)).Done()
		}), err
	}, string(line))
	if want := `{"type":"act","agent":"a","tick":4,"action":7,"done":true}` + "\n"; err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestServeRepeatsBySeed(t *testing.T) {
	draw := func(Start) (Player, error) {
		return PlayerFunc(func(o Observation) Reply { return o.Act(o.Rand.Uint64()) }), nil
	}
	run := func(seed int) string {
		got, err := serveLines(draw, fmt.Sprintf(`{"type":"init","agent":"a","seed":%d}`, seed),
			`{"type":"observe","agent":"a","tick":0}`, `{"type":"observe","agent":"a","tick":1}`)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	one, again, two := run(1), run(1), run(2)
	if one != again || one == two {
		t.Errorf("seeds give\n%s%s%s", one, again, two)
	}
}

// TestServeDrawsOn is an agent that is restored, with and without a memory of
// its own: what it draws next is what it would have drawn.
func TestServeDrawsOn(t *testing.T) {
	for name, start := range map[string]func(Start) (Player, error){
		"func": func(Start) (Player, error) {
			return PlayerFunc(func(o Observation) Reply { return o.Act(o.Rand.Uint64()) }), nil
		},
		"keeper": func(s Start) (Player, error) {
			d := &drawer{start: s}
			return d, s.Restore(&d.sum)
		},
	} {
		const init, observe = `{"type":"init","agent":"a","seed":5`, `{"type":"observe","agent":"a","tick":0}`
		whole, err := serveLines(start, init+`}`, observe, observe, observe, observe)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(whole), "\n")[1:]
		for n := range lines {
			first, err := serveLines(start, append(append([]string{init + `}`}, slices.Repeat([]string{observe}, n)...), `{"type":"snapshot","agent":"a"}`)...)
			if err != nil {
				t.Fatal(err)
			}
			told, err := Decode([]byte(lastLine(first)))
			if err != nil || (string(told.State) == "null") != (n == 0 && name == "func") {
				t.Fatalf("%s: the state after %d is %s, %v", name, n, told.State, err)
			}
			rest, err := serveLines(start, append([]string{init + `,"state":` + string(told.State) + `}`}, slices.Repeat([]string{observe}, len(lines)-n)...)...)
			if err != nil || lastLine(rest) != lines[len(lines)-1] {
				t.Errorf("%s: restored after %d, it ends with %s, %v; want %s", name, n, lastLine(rest), err, lines[len(lines)-1])
			}
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// A drawer adds up what it draws.
type drawer struct {
	start Start
	sum   uint64
}

func (d *drawer) Play(o Observation) Reply {
	d.sum += d.start.Rand.Uint64()
	return o.Act(d.sum)
}
func (d *drawer) Snapshot() (any, error) { return d.sum, nil }

func TestServeErrors(t *testing.T) {
	fail := errors.New("no luck")
	start := func(s Start) (Player, error) {
		if s.Agent == "never" {
			return nil, fail
		}
		if s.Agent == "lazy" {
			return struct{ Player }{}, nil
		}
		return PlayerFunc(func(o Observation) Reply {
			switch o.Tick {
			case 0:
				return o.Fail(fail)
			case 1:
				return o.Act(func() {})
			case 2:
				return o.Act(1).Send("b", make(chan int))
			}
			var number int
			return o.Fail(o.Unmarshal(&number))
		}), nil
	}
	init := `{"type":"init","agent":"a","seed":1}`
	tests := map[string][]string{
		"no luck":                                {init, `{"type":"observe","agent":"a","tick":0}`},
		"cannot encode an answer: json: unsup":   {init, `{"type":"observe","agent":"a","tick":1}`},
		"type: chan int":                         {init, `{"type":"observe","agent":"a","tick":2}`},
		"cannot read the observation of a at":    {init, `{"type":"observe","agent":"a","tick":3,"observation":"x"}`},
		"cannot read an observe line: it has no": {init, `{"type":"observe","agent":"a"}`},
		"cannot start agent never: no luck":      {`{"type":"init","agent":"never"}`},
		"does not name it":                       {`{"type":"init"}`},
		`for agent "a": it had no init`:          {`{"type":"observe","agent":"a","tick":0}`},
		"cannot read a line of the runtime: 'h'": {`hello`},
		"of agent lazy: it has no method Snapsh": {`{"type":"init","agent":"lazy"}`, `{"type":"snapshot","agent":"lazy"}`},
		"agent a: its state is none that this c": {`{"type":"init","agent":"a","state":41}`},
		"none that this client wrote: json: unk": {`{"type":"init","agent":"a","state":{"n":1}}`},
		"none that this client wrote: invalid P": {`{"type":"init","agent":"a","state":{"rand":"AAAA"}}`},
		`the state of agent "b": it had no init`: {init, `{"type":"snapshot","agent":"b"}`},
	}
	for want, lines := range tests {
		if _, err := serveLines(start, lines...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", lines, err, want)
		}
	}
}

// TestServeFlushes holds a conversation over pipes: each answer has to come
// before the next line is sent, and those to lines that came together are
// written together.
func TestServeFlushes(t *testing.T) {
	toAgent, fromUs := io.Pipe()
	toUs, fromAgent := io.Pipe()
	done := make(chan error, 1)
	writes := make(chan int, 100)
	go func() {
		done <- ServeOn(toAgent, writeCounter{fromAgent, writes}, func(Start) (Player, error) {
			return PlayerFunc(func(o Observation) Reply { return o.Act(o.Tick) }), nil
		})
		_ = fromAgent.Close()
	}()
	answers := bufio.NewScanner(toUs)
	say := func(line string, wanted ...string) {
		t.Helper()
		if _, err := fromUs.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		for _, want := range wanted {
			if !answers.Scan() || !strings.Contains(answers.Text(), want) {
				t.Fatalf("got %s, want %s", answers.Text(), want)
			}
		}
	}
	say(string(AppendInit(nil, Init{Agent: "a", Seed: 1})), `"ready"`)
	say(string(AppendObserve(nil, &Observe{Agent: "a"})), `"tick":0`)
	var many []byte
	var wanted []string
	for tick := 1; tick < 50; tick++ {
		many = AppendObserve(many, &Observe{Agent: "a", Tick: tick})
		wanted = append(wanted, fmt.Sprintf(`"tick":%d,`, tick))
	}
	half := string(AppendObserve(nil, &Observe{Agent: "a", Tick: 50}))
	say(string(many)+half[:20], wanted...)
	say(half[20:], `"tick":50`)
	if len(writes) != 4 {
		t.Errorf("%d writes, want one each for ready, tick 0, ticks 1 to 49, tick 50", len(writes))
	}
	if err := errors.Join(fromUs.Close(), <-done); err != nil {
		t.Error(err)
	}
}

type writeCounter struct {
	io.Writer
	writes chan int
}

func (w writeCounter) Write(b []byte) (int, error) {
	w.writes <- len(b)
	return w.Writer.Write(b)
}

func TestServeLongLine(t *testing.T) {
	long := strings.Repeat("x", MaxLine-200)
	got, err := serveLines(func(Start) (Player, error) {
		return PlayerFunc(func(o Observation) Reply { return o.Act(len(o.Observation)) }), nil
	}, `{"type":"init","agent":"a"}`, `{"type":"observe","agent":"a","tick":0,"observation":"`+long+`"}`)
	if want := fmt.Sprintf(`"action":%d}`, MaxLine-198); err != nil || !strings.Contains(got, want) {
		t.Errorf("got %s, %v", got, err)
	}
}

// FuzzObserve says that the client reads what the runtime writes.
func FuzzObserve(f *testing.F) {
	f.Add("a", 7, int64(5), `{"x":[1]}`, "bob", "square", 2, "so\n")
	f.Add("\xff\u2028", 0, int64(0), `"\"\ud83d\ude00"`, "", "", 1, "")
	f.Fuzz(func(t *testing.T, id string, tick int, ms int64, value, from, channel string, attempt int, problem string) {
		body, err := Compact(nil, []byte(value))
		if err != nil || tick < 0 || tick > 1<<53 || ms < 0 || ms > 1<<40 {
			return
		}
		valid := func(s string) string { return strings.ToValidUTF8(s, "") }
		want := Observe{Agent: valid(id), Tick: tick, Deadline: time.Duration(ms) * time.Millisecond, Observation: body, Attempt: 1,
			Messages: []Message{{From: valid(from), Channel: valid(channel), Body: body}, {From: "x", Body: body}},
			Results:  [][]byte{body, body}}
		if attempt > 1 {
			want.Attempt, want.Error = attempt, valid(problem)
		}
		h, err := hear(AppendObserve(nil, &want))
		if err != nil {
			t.Fatal(err)
		}
		got := Observe{Agent: string(h.name())}
		if err := h.observe(&got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
		}
	})
}

// FuzzAct says that Decode reads what AppendAct writes.
func FuzzAct(f *testing.F) {
	f.Add("a", 7, `{"x":[1]}`, "bob", true)
	f.Fuzz(func(t *testing.T, id string, tick int, value, to string, done bool) {
		body, err := Compact(nil, []byte(value))
		id, to = strings.ToValidUTF8(id, ""), strings.ToValidUTF8(to, "")
		if err != nil || tick < 0 || tick > 1<<53 || id == "" || to == "" {
			return
		}
		want := Act{Agent: id, Tick: tick, Action: body, Done: done,
			Send: []Send{{To: to, Body: body}, {Channel: to, Body: body}}}
		got, err := Decode(bytes.TrimSuffix(AppendAct(nil, &want), []byte("\n")))
		if err != nil || !reflect.DeepEqual(got.Act, want) {
			t.Fatalf("got %+v, %v\nwant %+v", got.Act, err, want)
		}
	})
}

func BenchmarkServe(b *testing.B) {
	var lines []byte
	lines = AppendInit(lines, Init{Agent: "a", Seed: 1})
	for tick := range b.N {
		lines = AppendObserve(lines, &Observe{Agent: "a", Tick: tick, Observation: []byte(`{"move":"C","payoff":9}`)})
	}
	b.ReportAllocs()
	b.ResetTimer()
	err := ServeOn(bytes.NewReader(lines), io.Discard, func(Start) (Player, error) {
		return PlayerFunc(func(o Observation) Reply { return o.Act(1) }), nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// A message that may have been told before is marked, on the line and to the
// player; the asker's own list is left alone.
func TestRedelivered(t *testing.T) {
	mail := []Message{{From: "a", Body: []byte(`1`)}, {From: "b", Channel: "c", Body: []byte(`2`)}}
	o := Observe{Agent: "x", Tick: 3, Messages: Redelivered(mail, 1)}
	if mail[0].Redelivered || o.Marked() != 1 {
		t.Errorf("%+v, of which %d are marked", mail, o.Marked())
	}
	line := string(AppendTurn(nil, &o))
	if !strings.Contains(line, `{"from":"a","body":1,"redelivered":true},{"from":"b","channel":"c","body":2}]`) {
		t.Errorf("the line is %s", line)
	}
	var told []bool
	_, err := serveLines(func(Start) (Player, error) {
		return PlayerFunc(func(o Observation) Reply {
			for _, m := range o.Messages {
				told = append(told, m.Redelivered)
			}
			return o.Act(nil)
		}), nil
	}, line)
	if err != nil || fmt.Sprint(told) != "[true false]" {
		t.Errorf("told %v, %v", told, err)
	}
}
