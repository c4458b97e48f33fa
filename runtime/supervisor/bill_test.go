package supervisor

import (
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A spender says with each act that it had one turn of its model, for a dollar.
type spender struct{ agent.Dialect }

func (d spender) Decode(line []byte) (agent.Line, error) {
	l, err := d.Dialect.Decode(line)
	if l.Type == agent.TypeAct {
		l.Usage = &agent.Usage{Session: "s", Turns: 1, Input: 10, USD: agent.Dollar}
	}
	return l, err
}

// What the gateway has counted of a turn is on record once, whether it goes there with
// the answer or before it: what the tool says of the same is not added.
func TestSpentOnce(t *testing.T) {
	looks := make(chan bool)
	sp := toolSpec("a", "count", func() (bool, error) { return <-looks, nil })
	sp.Bill = &Bill{Starting: func() {}}
	sp.Kind.Dialect = func(*agent.Brief) agent.Dialect { return spender{kind("stdio").Dialect(nil)} }
	s := open(t, sp)
	for tick, c := range []struct {
		counted, early bool // by the gateway; taken before the answer
		want           agent.Usage
	}{
		{false, false, agent.Usage{Session: "s", Turns: 1, Input: 10, USD: agent.Dollar}}, // all there is
		{true, false, agent.Usage{Session: "s", Model: "m", Turns: 1, Input: 7, USD: agent.Dollar / 2}},
		{true, true, agent.Usage{Session: "s", Turns: 0}},
		{false, false, agent.Usage{Session: "s", Turns: 1}}, // answered from what is paid
	} {
		o := observe("a", tick, 0)
		s.Ask([]*agent.Observe{&o})
		looks <- false // it has answered
		if c.counted {
			sp.Bill.Add(&agent.Usage{Model: "m", Turns: 1, Input: 7, USD: agent.Dollar / 2})
		}
		if c.early {
			if got := s.Usages(); len(got) != 1 || got[0].USD != agent.Dollar/2 || got[0].Turns != 1 {
				t.Errorf("tick %d: before the answer %+v", tick, got)
			}
		}
		looks <- true
		s.await(1)
		if got := s.Usages(); len(got) != 1 || got[0].Usage != c.want {
			t.Errorf("tick %d: %+v, want %+v", tick, got, c.want)
		}
		s.Committed(tick)
	}
}
