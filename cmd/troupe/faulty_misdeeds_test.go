package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// strikes does the misdeed that an argument orders for a tick in place of the
// answer.
func strikes(args []string, tick int, answer string) bool {
	for _, a := range args {
		always := strings.HasSuffix(a, "!")
		deed, when, _ := strings.Cut(strings.TrimSuffix(a, "!"), "@")
		if when == fmt.Sprint(tick) && (always || once(a)) {
			misdeeds[deed](answer)
			return true
		}
	}
	return false
}

// misdeeds are what a world may do in place of its answer.
var misdeeds = map[string]func(answer string){
	"crash": func(string) {
		fmt.Fprintln(os.Stderr, "the sky is falling")
		os.Exit(3)
	},
	"killed": func(string) { die() },
	// killed-again answers the first time; who is told its past, dies of it.
	"killed-again": func(answer string) {
		if !once("told") {
			die()
		}
		say("%s", answer)
	},
	// faint ends in good order, after it answered.
	"faint": func(answer string) {
		say("%s", answer)
		os.Exit(0)
	},
	"half": func(answer string) {
		_, _ = os.Stdout.WriteString(answer[:len(answer)/2])
		os.Exit(0)
	},
	"daemon": func(string) {
		daemon()
		os.Exit(3)
	},
	"hang":    func(string) { time.Sleep(time.Hour) },
	"silence": func(string) {},
	// murmur is what a world may say beside its answers.
	"murmur": func(answer string) {
		say("lorem ipsum {]\n")
		say(`["no","object"]`)
		say(`{"no":"type"}`)
		say(`{"type":"mood","mood":"fine"}`)
		say(`{"mood":"fine",%s`, answer[1:])
	},
	"garbage":  func(string) { say(`{"type":"stepped","observations":[1,2,3]}`) },
	"unclosed": func(string) { say(`{"type":"stepped","observations":{"ann":{}}`) },
	"utf8":     func(string) { say("{\"type\":\"stepped\",\"events\":[\"\xff\"]}") },
	"ready":    func(string) { say(`{"type":"ready"}`) },
	"state":    func(string) { say(`{"type":"state","state":1}`) },
	"twice":    func(answer string) { say("%s\n%s", answer, answer) },
	"early":    func(string) { say(`{"type":"stepped","tick":7}`) },
	// notick refuses and does not say in which tick.
	"notick": func(string) { say(`{"type":"refused","refused":{"ann":"no"}}`) },
	// nay refuses ann's action, and what comes in its place.
	"nay":   func(string) { say(`{"type":"refused","tick":1,"refused":{"ann":"no"}}`) },
	"empty": func(string) { say(`{"type":"refused","tick":1,"refused":{}}`) },
}
