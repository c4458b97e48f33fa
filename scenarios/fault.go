package scenarios

import (
	"fmt"
	"reflect"
	"slices"
)

// A Fault is one thing that goes wrong on purpose. Exactly one of the fields
// up to Supervisor is set and says what; the others say when, how likely, and
// how much of it.
type Fault struct {
	Kill       string   `yaml:"kill" nonempty:"true"`  // pattern of agent ids
	Pause      string   `yaml:"pause" nonempty:"true"` // the same
	Drop       *Traffic `yaml:"drop"`
	Delay      *Traffic `yaml:"delay"`
	Duplicate  *Traffic `yaml:"duplicate"`
	Partition  Groups   `yaml:"partition"`
	Supervisor string   `yaml:"supervisor" enum:"kill"`

	At    *int     `yaml:"at" min:"0"`                  // the only tick; excludes From and To
	From  *int     `yaml:"from" min:"0"`                // the first tick; nil for 0
	To    *int     `yaml:"to" min:"0"`                  // the last tick; nil for the run's
	P     *Chance  `yaml:"p"`                           // nil for 1
	For   Duration `yaml:"for"`                         // of Pause
	Ticks int      `yaml:"ticks" min:"1" max:"1000000"` // of Delay; 0 for 1
}

// Groups are at least two, each a list of patterns of agent ids.
type Groups [][]string

// A Chance is a probability above 0, up to 1.
type Chance float64

// Traffic is messages: those to a channel, or those from one agent to another.
// All three are patterns; an empty Sender or Recipient covers all.
type Traffic struct {
	Channel   string // empty for messages between two agents
	Sender    string
	Recipient string // not with Channel
}

// trafficForm is the form of a Traffic that says more than a channel.
type trafficForm struct {
	Channel   string `yaml:"channel" nonempty:"true"`
	Sender    string `yaml:"sender" nonempty:"true"`
	Recipient string `yaml:"recipient" nonempty:"true"`
}

// mostFaults of a scenario: each is looked at for each message.
const mostFaults = 100

// An aspect is one thing that a fault can be, with the keys that belong to it
// beside at, from and to.
type aspect struct {
	key   string
	with  []string
	needs string // one of them that has to be there
	// scarce says that without at or p it would happen all the time.
	scarce bool
}

var aspects = []aspect{
	{key: "kill", with: []string{"p"}, scarce: true},
	{key: "pause", with: []string{"p", "for"}, needs: "for", scarce: true},
	{key: "drop", with: []string{"p"}},
	{key: "delay", with: []string{"p", "ticks"}},
	{key: "duplicate", with: []string{"p"}},
	{key: "partition"},
	{key: "supervisor", with: []string{"p"}, scarce: true},
}

func aspectKeys() []string {
	keys := make([]string, len(aspects))
	for i, a := range aspects {
		keys[i] = a.key
	}
	return keys
}

func (f *Fault) check(d *decoder, p place, has func(string) bool) {
	var is []aspect
	for _, a := range aspects {
		if has(a.key) {
			is = append(is, a)
		}
	}
	switch {
	case len(is) == 0 && !d.strange[follow(p.node)]:
		d.reportValue(p, "want one fault, got none", suggest("", "what may go wrong", aspectKeys()))
	case len(is) > 1:
		d.reportValue(p, fmt.Sprintf("want one fault, got %s and %s", is[0].key, is[1].key), "write each as an item of its own")
	case len(is) == 1:
		is[0].check(d, p, has)
	}
	if has("at") && (has("from") || has("to")) {
		d.reportValue(p.under("at"), "at is one tick, and stands without from and to", "")
	}
	if f.From != nil && f.To != nil && *f.To < *f.From {
		d.reportValue(p.under("to"), fmt.Sprintf("to is %d, before from %d", *f.To, *f.From), "")
	}
}

// check holds the keys of a fault against what belongs to it.
func (a aspect) check(d *decoder, p place, has func(string) bool) {
	for _, key := range []string{"p", "for", "ticks"} {
		if has(key) && !slices.Contains(a.with, key) {
			d.reportValue(p.under(key), fmt.Sprintf("%s does not belong to %s", key, a.key), "")
		}
	}
	if a.needs != "" && !has(a.needs) {
		d.reportValue(p, fmt.Sprintf("the key %q is missing", a.needs), "")
	}
	if a.scarce && !has("at") && !has("p") {
		d.reportValue(p, fmt.Sprintf("want at or p with %s, got neither", a.key), "it would happen in every tick")
	}
}

// checkFaults bounds their number.
func (s *Scenario) checkFaults(d *decoder, p place) {
	if len(s.Faults) > mostFaults {
		d.reportValue(p.under("faults"), fmt.Sprintf("want at most %d faults, got %d", mostFaults, len(s.Faults)), "one with a pattern may stand for many")
	}
}

func (g *Groups) decode(d *decoder, p place) bool {
	*g = nil
	if !d.decode(p, (*[][]string)(g)) {
		return false
	}
	if len(*g) < 2 {
		d.reportValue(p, fmt.Sprintf("want at least two groups, got %d", len(*g)), `such as [["a-*"], ["b-*"]]`)
		return false
	}
	ok := true
	for i, in := range p.items() {
		if len((*g)[i]) == 0 {
			d.reportValue(in, "want at least one pattern", "")
			ok = false
		}
	}
	return ok
}

func (c *Chance) decode(d *decoder, p place) bool {
	n := follow(p.node)
	if got := scalarKind(n); got != aNumber && got != anInteger {
		d.mismatch(p, "a probability such as 0.1")
		return false
	}
	if *c = Chance(float(n)); *c <= 0 || *c > 1 {
		d.reportValue(p, fmt.Sprintf("want a probability above 0 and up to 1, got %s", clip(n.Value)), "")
		return false
	}
	return true
}

func (t *Traffic) decode(d *decoder, p place) bool {
	var form trafficForm
	ok := d.named(p, "the name of a channel", "{channel: …, sender: …, recipient: …}", &form.Channel, &form)
	*t = Traffic(form)
	return ok
}

func (f *trafficForm) check(d *decoder, p place, has func(string) bool) {
	switch {
	case has("channel") && has("recipient"):
		d.reportValue(p.under("recipient"), "a message goes to a channel or to an agent: recipient stands without channel", "")
	case !has("channel") && !has("sender") && !has("recipient") && !d.strange[follow(p.node)]:
		d.reportValue(p, "want one of channel, sender and recipient, got none", `all messages from one agent to another are {sender: "*"}`)
	}
}

func (*Groups) schema(g *generator) object {
	group := g.schema(reflect.TypeFor[[]string]())
	group["minItems"] = 1
	return object{"type": "array", "items": group, "minItems": 2}
}

func (*Chance) schema(*generator) object {
	return object{"type": "number", "exclusiveMinimum": 0, "maximum": 1}
}

func (*Traffic) schema(g *generator) object {
	return object{"oneOf": []object{{"type": "string", "minLength": 1}, g.ref(reflect.TypeFor[trafficForm]())}}
}

// faultRules say in JSON Schema what Fault.check says in Go.
func faultRules() object {
	one := make([]object, 0, len(aspects))
	for _, a := range aspects {
		var not []object
		for _, key := range []string{"p", "for", "ticks"} {
			if !slices.Contains(a.with, key) {
				not = append(not, needs(key))
			}
		}
		rule := needs(a.key)
		if a.needs != "" {
			rule = needs(a.key, a.needs)
		}
		rule["not"] = object{"anyOf": not}
		if a.scarce {
			rule["anyOf"] = []object{needs("at"), needs("p")}
		}
		one = append(one, rule)
	}
	return object{
		"oneOf": one,
		"not":   object{"anyOf": []object{needs("at", "from"), needs("at", "to")}},
	}
}
