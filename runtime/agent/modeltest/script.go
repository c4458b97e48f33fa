package modeltest

import (
	"strings"
	"sync"
)

// Always gives every request the same reply.
func Always(reply Reply) Script { return func(*Request) Reply { return reply } }

// Say answers every request by the same text.
func Say(text string) Script { return Always(Reply{Text: text}) }

// InOrder lets the first script answer the first request that it gets, the
// second the next, and the last one all that follow. It counts requests, so
// calls of tools and a client's attempts take their places too; of requests at
// the same time either may be first.
func InOrder(first Script, more ...Script) Script {
	var mu sync.Mutex
	left := append([]Script{first}, more...)
	next := func() Script {
		mu.Lock()
		defer mu.Unlock()
		script := left[0]
		if len(left) > 1 {
			left = left[1:]
		}
		return script
	}
	return func(r *Request) Reply { return next()(r) }
}

// ByTurn lets the first script answer what the user says first in a
// conversation, and so on; the last one answers all that follows. It remembers
// nothing: it is the same for a client that tries again or comes back with its
// conversation, and for any number of them.
func ByTurn(first Script, more ...Script) Script {
	all := append([]Script{first}, more...)
	return func(r *Request) Reply { return all[min(r.Turn(), len(all)-1)](r) }
}

// Each gives every name a script of its own, made at its first request. What a
// request's name is, by says: ByKey, BySession or another. begin is called by
// one goroutine at a time.
func Each(by func(r *Request) string, begin func(name string) Script) Script {
	var mu sync.Mutex
	scripts := map[string]Script{}
	of := func(name string) Script {
		mu.Lock()
		defer mu.Unlock()
		script, known := scripts[name]
		if !known {
			script = begin(name)
			scripts[name] = script
		}
		return script
	}
	return func(r *Request) Reply { return of(by(r))(r) }
}

// ByKey names a request by its key.
func ByKey(r *Request) string { return r.Key }

// BySession names a request by Claude Code's session.
func BySession(r *Request) string { return r.Session }

// When lets then answer the requests that are so, and otherwise the others.
func When(so func(r *Request) bool, then, otherwise Script) Script {
	return func(r *Request) Reply {
		if so(r) {
			return then(r)
		}
		return otherwise(r)
	}
}

// Hears tells the requests whose user last said something with text in it.
func Hears(text string) func(r *Request) bool {
	return func(r *Request) bool { return strings.Contains(r.LastUser(), text) }
}

// Told tells the requests with text in their system prompt.
func Told(text string) func(r *Request) bool {
	return func(r *Request) bool { return strings.Contains(r.System, text) }
}

// Call calls a tool, and lets then answer once there is the result.
func Call(tool string, input any, then Script) Script {
	call := Always(Reply{Tools: []ToolUse{{Name: tool, Input: input}}})
	return When(func(r *Request) bool { return len(r.Results()) > 0 }, then, call)
}
