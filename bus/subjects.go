package bus

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const root = "troupe."

// maxToken is the longest token in bytes: a run's name is a directory too.
const maxToken = 128

// CheckToken says why a name cannot be part of a subject, or nil. The builders
// below rely on it: a plan's names were checked before anything started.
func CheckToken(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%q is no subject token: it is empty", s)
	case len(s) > maxToken:
		return fmt.Errorf("%.20q… is no subject token: it is longer than %d bytes", s, maxToken)
	case !utf8.ValidString(s):
		return fmt.Errorf("%q is no subject token: it is not UTF-8", s)
	}
	for _, r := range s {
		if strings.ContainsRune(`.*>/\`, r) || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return fmt.Errorf("%q is no subject token: it has %q in it", s, r)
		}
	}
	return nil
}

// All matches every subject of a run.
func All(run string) string { return root + run + ".>" }

// Log is the stored subject: the run's records.
func Log(run string) string { return root + run + ".log" }

// Tick carries one line for each committed tick.
func Tick(run string) string { return root + run + ".tick" }

// Msg carries a message from one agent to another.
func Msg(run, from, to string) string { return root + run + ".msg." + from + "." + to }

// Chan carries a message to a channel.
func Chan(run, channel, from string) string { return root + run + ".chan." + channel + "." + from }

// Withheld carries a message that does not get, or not now, to all whom it is for.
// No agent can listen to it.
func Withheld(run, from string) string { return root + run + ".withheld." + from }

// Agent carries a fact about an agent, such as started or stopped.
func Agent(run, id, fact string) string { return root + run + ".agent." + id + "." + fact }

// Run carries a fact about the run, such as started or finished.
func Run(run, fact string) string { return root + run + ".run." + fact }

// Ask is where an agent on the bus is asked for its action.
func Ask(run, id string) string { return root + run + ".ask." + id }

// Out is where an agent on the bus publishes.
func Out(run, id string) string { return root + run + ".out." + id }

func asks(run string) string { return root + run + ".ask.>" }
func outs(run string) string { return root + run + ".out.>" }

// Parse takes a subject apart: the run, the kind (log, tick, msg, chan,
// withheld, agent, run, ask, out) and the names after it, in the subject's order. It is false
// for a subject that no builder here makes.
func Parse(subject string) (run, kind string, names []string, ok bool) {
	rest, ok := strings.CutPrefix(subject, root)
	if !ok {
		return "", "", nil, false
	}
	parts := strings.Split(rest, ".")
	for _, p := range parts {
		if CheckToken(p) != nil {
			return "", "", nil, false
		}
	}
	if len(parts) < 2 {
		return "", "", nil, false
	}
	n, known := arity[parts[1]]
	if !known || len(parts) != 2+n {
		return "", "", nil, false
	}
	return parts[0], parts[1], parts[2:], true
}

// arity is the number of names after each kind.
var arity = map[string]int{
	"log": 0, "tick": 0, "msg": 2, "chan": 2, "withheld": 1, "agent": 2, "run": 1, "ask": 1, "out": 1,
}
