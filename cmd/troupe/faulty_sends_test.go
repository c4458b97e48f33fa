package main

import (
	"fmt"
	"strconv"
	"strings"
)

// sendFaults are agents that send. What they were told, mail and results, is
// their action, so that the record shows it.
var sendFaults = map[string]fault{
	"listener": sender(func(told) []string { return nil }),
	// mistaken sends to nobody, to a channel that is none, to one that it is
	// not in, and to ann.
	"mistaken": sender(func(o told) []string {
		if o.Tick != 0 {
			return nil
		}
		return []string{`{"to":"nobody","body":1}`, `{"channel":"nowhere","body":3}`,
			`{"channel":"den","body":4}`, `{"to":"ann","body":5}`}
	}),
	// greeter is not ready until there is a file, and then writes to bob in
	// each tick.
	"greeter": func(args []string) int {
		return converseAfter(func() { await(args[0]) }, func(o told) {
			act(o, `{"n":`+strconv.Itoa(o.Tick)+`}`, fmt.Sprintf(`"send":[{"to":"bob","body":{"tick":%d}}]`, o.Tick))
		})
	},
	// torn sends one message to an agent and a channel alike.
	"torn": at(1, func(o told) { act(o, `{}`, `"send":[{"to":"ann","channel":"square","body":2}]`) }),
	// crier says one thing to the square in each tick.
	"crier": sender(func(o told) []string {
		return []string{fmt.Sprintf(`{"channel":"square","body":"%s in tick %d"}`, o.Agent, o.Tick)}
	}),
	// flood sends 5000 messages in tick 0.
	"flood": sender(func(o told) []string {
		var all []string
		for i := range 5000 {
			if o.Tick == 0 {
				all = append(all, fmt.Sprintf(`{"to":"counter","body":%d}`, i))
			}
		}
		return all
	}),
	// counter answers how many messages it got.
	"counter": func([]string) int {
		return converse(func(o told) { act(o, fmt.Sprintf(`{"messages":%d}`, len(o.Messages))) })
	},
	// leaver says that it is done in tick 1.
	"leaver": func([]string) int {
		return converse(func(o told) {
			if o.Tick == 1 {
				act(o, `{"last":"word"}`, `"send":[{"to":"ann","body":"farewell"}]`, `"done":true`)
				return
			}
			well(o)
		})
	},
	// writer writes to the leaver in every tick.
	"writer": sender(func(told) []string { return []string{`{"to":"leaver","body":"are you there?"}`} }),
}

func sender(sends func(o told) []string) fault {
	return func([]string) int {
		return converse(func(o told) {
			var heard []string
			for _, m := range append(o.Messages, o.Results...) {
				heard = append(heard, string(m))
			}
			act(o, `{"heard":[`+strings.Join(heard, ",")+`]}`, `"send":[`+strings.Join(sends(o), ",")+`]`)
		})
	}
}
