package main

import (
	"bufio"
	"os"
	"strings"
)

// lineFaults are agents that write what is no answer. Each does so in tick 1.
var lineFaults = map[string]fault{
	"garbage": at(1, func(told) { say("lorem ipsum {]") }),
	"half-a-line": at(1, func(o told) {
		_, _ = os.Stdout.WriteString(`{"type":"act","agent":"half","tick":1,"acti`)
		os.Exit(0)
	}),
	"invalid-utf8":  at(1, func(o told) { act(o, "{\"say\":\"\xff\xfe\"}") }),
	"ill-formed":    at(1, func(o told) { say(`{"type":"act","agent":%q,"tick":"one","action":{}}`, o.Agent) }),
	"huge-line":     at(1, func(o told) { huge(100 << 20) }),
	"for-another":   at(1, func(o told) { o.Agent = "good"; well(o) }),
	"for-tick":      at(1, func(o told) { o.Tick = 7; well(o) }),
	"answers-twice": at(1, func(o told) { act(o, `{"first":true}`); act(o, `{"first":false}`) }),
	"talks-besides": at(1, func(o told) {
		say("thinking …")
		say("")
		say(`{"no":"type"}`)
		say(`{"type":"mood","mood":"fine"}`)
		say(`{"type":"log","agent":%q,"level":"warn","text":"almost there"}`, o.Agent)
		well(o)
	}),
	// stubborn answers what no world takes; contrite, only until it is told so.
	"stubborn": func([]string) int { return converse(func(o told) { act(o, `{"move":"X"}`) }) },
	"contrite": func([]string) int {
		return converse(func(o told) {
			if o.Attempt == 0 {
				act(o, `{"move":"X"}`)
				return
			}
			say(`{"type":"log","agent":%q,"text":"attempt %d, was told: %s"}`, o.Agent, o.Attempt, strings.ReplaceAll(o.Error, `"`, `'`))
			act(o, `{"move":"C"}`)
		})
	},
}

// huge writes a line of that many bytes, which begins as an answer does.
func huge(bytes int) {
	w := bufio.NewWriter(os.Stdout)
	_, _ = w.WriteString(`{"type":"act","action":"`)
	part := strings.Repeat("x", 1<<20)
	for range bytes >> 20 {
		_, _ = w.WriteString(part)
	}
	_, _ = w.WriteString("\"}\n")
	_ = w.Flush()
}
