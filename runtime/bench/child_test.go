package bench

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// Every child answers properly, whatever stands in its lines.
func TestChildren(t *testing.T) {
	needLinux(t)
	tricky := `{"agent":"x","tick":99,"type":"init","text":"\"tick\":1,"}`
	in := agent.AppendInit(nil, agent.Init{Run: "r", Agent: "ann", Config: []byte(tricky)})
	for tick := range 3 {
		in = agent.AppendObserve(in, &agent.Observe{
			Agent: "ann", Tick: tick, Observation: []byte(tricky), Attempt: 1,
			Messages: []agent.Message{{From: "bob", Body: []byte(`"` + strings.Repeat("1", 5000) + `"`)}},
		})
	}
	in = agent.AppendStop(in, "ann", "the run is over")
	for _, name := range Children() {
		for _, messages := range []int{0, 1, 20} {
			t.Run(fmt.Sprintf("%s/%d", name, messages), func(t *testing.T) {
				p, err := newChild(context.Background(), name, t.TempDir())
				if err != nil {
					t.Skip(err) // a compiler or Python is missing; TestE2EChildren fails then
				}
				file, argv, env := p.launch(fmt.Sprint(messages), "bob")
				cmd := exec.Command(file)
				cmd.Args, cmd.Env, cmd.Stdin = argv, env, bytes.NewReader(in)
				out, err := cmd.Output()
				if err != nil {
					t.Fatal(err)
				}
				checkAnswers(t, out, messages)
			})
		}
	}
}

func checkAnswers(t *testing.T, out []byte, messages int) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSuffix(out, []byte("\n")), []byte("\n"))
	if len(lines) != 4 {
		t.Fatalf("%d lines: %s", len(lines), out)
	}
	for i, line := range lines {
		l, err := agent.Decode(line)
		switch {
		case err != nil:
			t.Errorf("%v: %s", err, line)
		case i == 0 && (l.Type != "ready" || l.Agent != "ann"):
			t.Errorf("want ready: %s", line)
		case i > 0 && (l.Type != "act" || l.Act.Agent != "ann" || l.Act.Tick != i-1 || len(l.Act.Send) != messages):
			t.Errorf("want an act with %d messages: %s", messages, line)
		case i > 0 && messages > 0 && (l.Act.Send[0].To != "bob" || string(l.Act.Send[0].Body) != `"hello"`):
			t.Errorf("want a message to bob: %s", line)
		}
	}
}
