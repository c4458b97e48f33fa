package bots

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A scene is what one agent is told, without end: the config, and what it
// observes in a tick.
type scene struct {
	config  string
	observe func(rng *rand.Rand, tick int) agent.Observe
}

func matrix(rng *rand.Rand, tick int) agent.Observe {
	const turns = 8
	move := func() string { return []string{`"C"`, `"D"`, `"D"`, `null`}[rng.IntN(4)] }
	o := agent.Observe{Attempt: 1}
	if rng.IntN(5) == 0 {
		o.Attempt, o.Error = 2, "again"
	}
	last := "null"
	if tick%turns > 0 {
		last = fmt.Sprintf(`{"you":%s,"opponent":%s}`, move(), move())
	}
	o.Observation = fmt.Appendf(nil, `{"turn":%d,"turns":%d,"opponent":"b","last":%s}`, tick%turns, turns, last)
	return o
}

func talk(rng *rand.Rand, tick int) agent.Observe {
	o := agent.Observe{Observation: fmt.Appendf(nil, `{"round":%d}`, tick+1)}
	if tick > 5 && rng.IntN(3) == 0 {
		o.Messages = []agent.Message{{From: "b", Body: []byte(`{"rumour":true}`)}}
	}
	return o
}

func heralds(rng *rand.Rand, tick int) agent.Observe {
	o := agent.Observe{Observation: []byte(`{}`)}
	for range rng.IntN(3) {
		body := fmt.Appendf(nil, `{"turn":%d}`, 1+rng.IntN(tick+3))
		o.Messages = append(o.Messages, agent.Message{From: "b", Channel: "square", Body: body, Redelivered: rng.IntN(4) == 0})
	}
	return o
}

func grid(rng *rand.Rand, _ int) agent.Observe {
	return agent.Observe{Observation: fmt.Appendf(nil,
		`{"move":"C","payoff":%d,"neighbours":{"moves":["C","D"],"payoffs":[9,%d]}}`, rng.IntN(3), rng.IntN(12))}
}

func month(_ *rand.Rand, tick int) agent.Observe {
	return agent.Observe{Observation: fmt.Appendf(nil, `{"tick":%d,"age":%d,"population":5}`, tick, tick)}
}

func pots(rng *rand.Rand, tick int) agent.Observe {
	last := "null"
	if tick > 0 {
		gave := rng.IntN(11)
		last = fmt.Sprintf(`{"contribution":%d,"pot":%d}`, gave, gave+rng.IntN(31))
	}
	return agent.Observe{Observation: fmt.Appendf(nil, `{"round":%d,"players":4,"endowment":10,"last":%s}`, tick+1, last)}
}

// nights has a pack of two talk and vote, with one of a den of two heard now and then.
func nights(rng *rand.Rand, tick int) agent.Observe {
	o := agent.Observe{Observation: fmt.Appendf(nil,
		`{"you":"bob","role":"wolf","den":"den-1","pack":[{"player":"ann"},{"player":"bob"}],"game":1,"day":%d,"phase":%q,"step":%q,"living":["ann","bob","cleo","dan","eve","finn"]}`,
		1+tick/4, []string{"day", "night"}[tick/2%2], []string{"talk", "vote"}[tick%2])}
	if rng.IntN(2) == 0 {
		o.Messages = []agent.Message{{From: "w", Channel: "den-1", Body: fmt.Appendf(nil, `{"game":1,"day":%d,"by":"ann","kill":"eve"}`, 1+tick/4)}}
	}
	return o
}

// scenes are for bots of other worlds than the matrix-game.
var scenes = map[string]scene{
	"altruist":               {"{}", pots},
	"cell":                   {"{}", grid},
	"conditional-cooperator": {"{}", pots},
	"echo":                   {"{}", grid},
	"free-rider":             {"{}", pots},
	"herald":                 {`{"channel":"square","peers":["b"]}`, heralds},
	"rabbit":                 {`{"lifespan":9}`, month},
	"relay":                  {`{"to":["b"]}`, heralds},
	"rumour":                 {`{"peers":["b","c","d"],"channel":"square","chance":0.7}`, talk},
	"werewolf":               {"{}", nights},
}

// TestStates has every bot restored after each observation: it answers what it
// would have answered.
func TestStates(t *testing.T) {
	const ticks = 25
	for _, name := range Names() {
		s, ok := scenes[name]
		if !ok {
			s = scene{"{}", matrix}
		}
		rng := rand.New(rand.NewPCG(7, 0))
		var asked []agent.Observe
		for tick := range ticks {
			o := s.observe(rng, tick)
			o.Agent, o.Tick = "a", tick
			asked = append(asked, o)
		}
		init := agent.Init{Agent: "a", Seed: 11, Config: []byte(s.config)}
		want, _ := hosted(t, name, init, asked)
		if len(want) != ticks {
			t.Errorf("%s gives %d answers to %d observations", name, len(want), ticks)
		}
		for n := range ticks {
			_, state := hosted(t, name, init, asked[:n])
			later := init
			later.State = []byte(state)
			if got, _ := hosted(t, name, later, asked[n:]); !slices.Equal(got, want[n:]) {
				t.Fatalf("%s, restored from %s after %d, answers\n%s\nwant\n%s", name, state, n, strings.Join(got, "\n"), strings.Join(want[n:], "\n"))
			}
		}
	}
}

// hosted runs a bot and gives its answers, and its state after them.
func hosted(t *testing.T, bot string, init agent.Init, observes []agent.Observe) (acts []string, state string) {
	t.Helper()
	in := agent.AppendInit(nil, init)
	for i := range observes {
		in = agent.AppendObserve(in, &observes[i])
	}
	in = agent.AppendSnapshot(in, init.Agent)
	var out bytes.Buffer
	if err := Run(bot, bytes.NewReader(in), &out); err != nil {
		t.Fatalf("%s: %v", bot, err)
	}
	for text := range strings.Lines(out.String()) {
		l, err := agent.Decode([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", bot, err)
		}
		switch l.Type {
		case agent.TypeAct:
			acts = append(acts, text)
		case agent.TypeState:
			state = string(l.State)
		}
	}
	return acts, state
}
