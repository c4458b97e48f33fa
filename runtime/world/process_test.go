package world

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

const readyAB = `{"type":"ready","observations":{"b":{"n": 1},"a":null}}`

// startAB starts a world of two agents.
func startAB(t testing.TB, p Program) (*process, Ready, error) {
	t.Helper()
	w := newProcess(t, p)
	ready, err := w.Start(t.Context(), Init{Run: "r", Seed: 7, Config: []byte(`{"x":1}`), Agents: agentsOf("a", "b")})
	return w, ready, err
}

var actionsAB = []Action{act("a", `{"move":1}`), fail("b", agent.Deadline)}

func TestProcessSaysWhatTheProtocolSays(t *testing.T) {
	var heard []string
	world := func(_ context.Context, in io.Reader, out, _ io.Writer) error {
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			heard = append(heard, lines.Text())
			answer := readyAB
			if len(heard) > 1 {
				answer = `{"type":"stepped"}`
			}
			fmt.Fprintln(out, answer)
		}
		return nil
	}
	w, ready, err := startAB(t, Program{Start: starter(world)})
	if err != nil {
		t.Fatal(err)
	}
	checkObservations(t, ready.Observations, "a", `null`, "b", `{"n":1}`)
	mustStep(t, w, 0, actionsAB...)
	if err := w.Close(t.Context()); err != nil {
		t.Error(err)
	}
	checkPairs(t, "heard", heard, []string{
		`{"type":"init","protocol":1,"run":"r","seed":7,"config":{"x":1},"agents":[{"id":"a","config":{}},{"id":"b","config":{}}]}`,
		`{"type":"step","tick":0,"actions":[{"agent":"a","action":{"move":1}},{"agent":"b","action":null,"failure":"deadline"}]}`,
	})
}

func TestProcessUnderstandsAllOfAnAnswer(t *testing.T) {
	w, _, err := startAB(t, Program{Start: starter(script(readyAB,
		`{"type":"stepped","tick":0,"unknown":1,"observations":{"c":{"x": "} ,"},"a":7},"scores":{"b":-1.5,"a":0},`+
			`"columns":{"y":[1, 2],"x":"\u00e9"},"events":[{"e": 1},2],"add":[{"id":"c","config":{"k": 1}},{"id":"d"}],`+
			`"remove":["b"],"channels":{"den":["c","a"],"all":[]},"done":true}`))})
	if err != nil {
		t.Fatal(err)
	}
	s := mustStep(t, w, 0, actionsAB...)
	got := string(appendStepped(nil, s))
	want := `{"type":"stepped","observations":{"a":7,"c":{"x":"} ,"}},"scores":{"a":0,"b":-1.5},"columns":{"x":"\u00e9","y":[1,2]},` +
		`"events":[{"e":1},2],"add":[{"id":"c","config":{"k":1}},{"id":"d","config":{}}],"remove":["b"],"channels":{"all":[],"den":["c","a"]},"done":true}` + "\n"
	if got != want {
		t.Errorf("stepped:\n%s\nwant:\n%s", got, want)
	}
}

func TestProcessRejectsWrongAnswers(t *testing.T) {
	for _, test := range []struct{ answer, want string }{
		{`{"type":"stepped","observations":{"x":1}}`, `stepped.observations["x"] is for an agent that is not there`},
		{`{"type":"stepped","observations":{"a":1,"a":2}}`, `stepped.observations["a"] is there twice`},
		{`{"type":"stepped","observations":[1]}`, `stepped.observations is [1] where an object is wanted`},
		{`{"type":"stepped","remove":["a"],"observations":{"a":1}}`, `is for an agent that was removed`},
		{`{"type":"stepped","scores":{"a":"3"}}`, `stepped.scores["a"] is "3" where a number is wanted`},
		{`{"type":"stepped","scores":{"a":true}}`, `stepped.scores["a"] is true where a number is wanted`},
		{`{"type":"stepped","scores":{"a":1e999}}`, `stepped.scores["a"] is 1e999 where a number is wanted`},
		{`{"type":"stepped","scores":{"z":1}}`, `stepped.scores["z"] is for an agent that never was`},
		{`{"type":"stepped","tick":1}`, `stepped.tick is 1 where 0 is wanted`},
		{`{"type":"stepped","tick":"0"}`, `stepped.tick is "0" where a whole number is wanted`},
		{`{"type":"stepped","columns":{"":1}}`, `a column without a name`},
		{`{"type":"stepped","events":{}}`, `stepped.events is {} where an array is wanted`},
		{`{"type":"stepped","add":[{"id":"a"}]}`, `stepped.add names "a", which is or was there already`},
		{`{"type":"stepped","add":[{"id":"c"},{"id":"c"}]}`, `stepped.add.id is "c"`},
		{`{"type":"stepped","add":[{"config":{}}]}`, `stepped.add.id is ""`},
		{`{"type":"stepped","add":[{"id":"c","config":3}]}`, `stepped.add.config is 3 where an object is wanted`},
		{`{"type":"stepped","add":["c"]}`, `stepped.add has an item "c" where an object is wanted`},
		{`{"type":"stepped","remove":["c"]}`, `stepped.remove names "c", which never was`},
		{`{"type":"stepped","remove":["a","a"]}`, `stepped.remove names "a" twice`},
		{`{"type":"stepped","remove":[1]}`, `stepped.remove has an item that is 1 where a text is wanted`},
		{`{"type":"stepped","remove":"a"}`, `stepped.remove is "a" where an array of ids is wanted`},
		{`{"type":"stepped","channels":{"x":["c"]}}`, `stepped.channels["x"] names "c", which is not there`},
		{`{"type":"stepped","done":"yes"}`, `stepped.done is "yes" where true or false is wanted`},
		{`{"type":"stepped","done":true,"done":false}`, `stepped has the field done twice`},
		{`{"type":"stepped","done":tru}`, `a line is no message: cannot read JSON: `},
		{`{"type":"stepped","x":"` + "\xff" + `"}`, `a line is no message: cannot read JSON: invalid UTF-8 at byte 23`},
		{`{"type":"ready"}`, `the answer is of type "ready"`},
		{`{"type":"refused","tick":1,"refused":{"a":"no"}}`, `refused.tick is 1 where 0 is wanted`},
		{`{"type":"refused","refused":{"a":"no"}}`, `refused.tick is missing`},
		{`{"type":"refused","tick":0,"refused":{"b":"no"}}`, `refused.refused["b"] is about an agent that did not act`},
		{`{"type":"refused","tick":0,"refused":{"c":"no"}}`, `refused.refused["c"] is about an agent that did not act`},
		{`{"type":"refused","tick":0,"refused":{"a":1}}`, `refused.refused["a"] is 1 where a text is wanted`},
		{`{"type":"refused","tick":0,"refused":{}}`, `names no agent`},
	} {
		w, _, err := startAB(t, Program{Start: starter(script(readyAB, test.answer))})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Step(t.Context(), 0, actionsAB)
		wantError(t, err, "cannot step the world at tick 0", test.want)
	}
}

func TestProcessRejectsWrongReadies(t *testing.T) {
	for _, test := range []struct{ answer, want string }{
		{`{"type":"ready","observations":{"c":1}}`, `ready.observations["c"] is for an agent that is not there`},
		{`{"type":"ready","observations":7}`, `ready.observations is 7 where an object is wanted`},
		{`{"type":"ready","snapshot":1}`, `ready.snapshot is 1 where true or false is wanted`},
		{`{"type":"ready","action_schema":[]}`, `ready.action_schema is [] where an object is wanted`},
		{`{"type":"ready","action_schema":{"*":{"properties":{"n":{"minimum":"1"}}}}}`, `ready.action_schema["*"] is no JSON Schema: properties.n.minimum: got string, want number`},
		{`{"type":"ready","action_schema":{"*":{"$ref":"file:///etc/passwd"}}}`, `ready.action_schema["*"] is no JSON Schema`},
		{`{"type":"stepped"}`, `the answer is of type "stepped" where ["ready"] is wanted`},
	} {
		_, _, err := startAB(t, Program{Start: starter(script(test.answer))})
		wantError(t, err, "cannot start the world", test.want)
	}
}

func TestProcessThatDoesNotStart(t *testing.T) {
	_, _, err := startAB(t, Program{Start: starter()})
	wantError(t, err, "cannot start the world: its process does not start: no such file")
}

func TestProcessNamesItsLogWhereThereIsOne(t *testing.T) {
	for said, want := range map[string]string{
		"oh dear\n": "is wanted; it said last:\noh dear\n(its log is /runs/r/world.log)",
		"":          "is wanted; it logged nothing",
	} {
		wrong := script(`{"type":"ready","observations":7}`)
		_, _, err := startAB(t, Program{LogName: "/runs/r/world.log", Start: starter(func(ctx context.Context, in io.Reader, out, stderr io.Writer) error {
			_, _ = io.WriteString(stderr, said)
			return wrong(ctx, in, out, stderr)
		})})
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("error %v, want its end to be %q", err, want)
		}
	}
}

func TestProcessPassesRefusalsOn(t *testing.T) {
	w, _, err := startAB(t, Program{Start: starter(script(readyAB,
		`{"type":"refused","tick":0,"refused":{"a":"it is \u00fcber"}}`, `{"type":"stepped","done":true}`))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Step(t.Context(), 0, actionsAB)
	if refusal := wantRefusal(t, err); refusal.Why["a"] != "it is über" || len(refusal.Why) != 1 {
		t.Errorf("refusal %v", refusal.Why)
	}
	if !mustStep(t, w, 0, actionsAB...).Done {
		t.Error("the step after a refusal is not the world's")
	}
}

func TestProcessRefusesBySchemaBeforeTheWorldIsAsked(t *testing.T) {
	ready := `{"type":"ready","action_schema":{"*":{"type":"object","properties":{"n":{"type":"integer"}}},"a*":{"enum":["x"]}},"noop":{}}`
	w, got, err := startAB(t, Program{Start: starter(script(ready, `{"type":"stepped","done":true}`))})
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Noop) != `{}` {
		t.Errorf("noop %s", got.Noop)
	}
	_, err = w.Step(t.Context(), 0, []Action{act("a", `"y"`), act("b", `{"n":"1"}`)})
	refusal := wantRefusal(t, err)
	if got, want := refusal.Why["a"], "the action does not fit its schema: value must be 'x'"; got != want {
		t.Errorf("why %q, want %q", got, want)
	}
	if got, want := refusal.Why["b"], "the action does not fit its schema: n: got string, want integer"; got != want {
		t.Errorf("why %q, want %q", got, want)
	}
	policy := Action{Agent: "b", JSON: []byte(`"the policy's"`), Failure: agent.Deadline}
	if !mustStep(t, w, 0, act("a", `"x"`), policy).Done {
		t.Error("the script's one step was used up before")
	}
}

func TestProcessOutputThatIsNoMessageIsLog(t *testing.T) {
	var log journal
	world := func(ctx context.Context, in io.Reader, out, stderr io.Writer) error {
		fmt.Fprintln(stderr, "on stderr")
		fmt.Fprint(out, "loading…\n\n{'python': 'dict'}\n[1]\n{\"no\":\"kind\"}\n{\"type\":7}\n{\"type\":\"log\",\"text\":\"hi\"}\r\n")
		return script("  "+readyAB+"  \r", `{"type":"stepped"}`)(ctx, in, out, stderr)
	}
	w, _, err := startAB(t, Program{Start: starter(world), Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	mustStep(t, w, 0, actionsAB...)
	for _, want := range []string{"on stderr\n", "loading…\n", "{'python': 'dict'}\n", "[1]\n", `{"no":"kind"}`, `{"type":7}`, `"text":"hi"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
}

func TestProcessLinesHaveALimit(t *testing.T) {
	w := newProcess(t, Program{Start: starter(script(readyAB, `{"type":"stepped","columns":{"x":"`+strings.Repeat("x", 2000)+`"}}`))})
	w.limit = 1000
	if _, err := w.Start(t.Context(), Init{Agents: agentsOf("a", "b")}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Step(t.Context(), 0, actionsAB)
	wantError(t, err, "a line is longer than 1000 bytes")
	_, err = w.Step(t.Context(), 0, []Action{act("a", `"`+strings.Repeat("x", 1000)+`"`)})
	wantError(t, err, "the actions are longer than 1000 bytes")
}

func TestProcessThatSpeaksUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, err := startAB(t, Program{Start: starter(script(readyAB + "\n" + `{"type":"stepped"}`))})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		_, err = w.Step(t.Context(), 0, actionsAB)
		wantError(t, err, "stepped came before it was asked for")
	})
}

func TestProcessDropsWhatIsForAgentsThatEnded(t *testing.T) {
	w, _, err := startAB(t, Program{Start: starter(script(readyAB,
		`{"type":"stepped","observations":{"a":1,"b":2},"channels":{"x":["a","b"]},"scores":{"b":4}}`,
		`{"type":"stepped","remove":["b"]}`))})
	if err != nil {
		t.Fatal(err)
	}
	s := mustStep(t, w, 0, act("a", `{}`), fail("b", agent.Done))
	checkObservations(t, s.Observations, "a", "1")
	checkScores(t, s.Scores, "b", "4")
	if got := s.Channels[0].Members; len(got) != 1 || got[0] != "a" {
		t.Errorf("members %v, want a alone", got)
	}
	mustStep(t, w, 1, act("a", `{}`))
}

func TestProcessThatIsTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var restarts []string
		slow := script(readyAB)
		var past memory
		w, _, err := startAB(t, Program{
			Start: starter(slow, slow), History: past.history, LogName: "/runs/r/world.log",
			Restarted: func(tick int, why string) { restarts = append(restarts, fmt.Sprint(tick, why)) },
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = w.Step(t.Context(), 0, actionsAB)
		wantError(t, err, "failed twice in this tick; the second time it gave no answer within 1m0s", "(its log is /runs/r/world.log)")
		if took := time.Since(began); took != 2*time.Minute {
			t.Errorf("gave up after %v, want two minutes", took)
		}
		checkPairs(t, "restarts", restarts, []string{"0gave no answer within 1m0s"})
	})
}

func TestProcessThatHoldsItsOutputAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := starter(script(readyAB), script(readyAB, `{"type":"stepped"}`))
		first := true
		w, _, err := startAB(t, Program{Start: func(ctx context.Context, stderr io.Writer) (Child, error) {
			c, err := start(ctx, stderr)
			if first {
				first = false
				gone := make(chan struct{})
				close(gone)
				return endedChild{c.(*fakeChild), gone}, err
			}
			return c, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		mustStep(t, w, 0, actionsAB...)
	})
}

// An endedChild says that it ended while its pipes are open.
type endedChild struct {
	*fakeChild
	gone chan struct{}
}

func (c endedChild) Done() <-chan struct{} { return c.gone }
func (c endedChild) ExitText() string      { return "exit status 3" }

func TestProcessStopsAtOnceWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, err := startAB(t, Program{Start: starter(script(readyAB), script(readyAB, `{"type":"stepped"}`))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		_, err = w.Step(ctx, 0, actionsAB)
		if !errors.Is(err, context.Canceled) || time.Since(began) != time.Second {
			t.Errorf("error %v after %v, want the context's after 1s", err, time.Since(began))
		}
		mustStep(t, w, 0, actionsAB...) // by another process
	})
}
