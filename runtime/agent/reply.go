package agent

import (
	"bytes"
	"fmt"
)

// reply reads the action out of what a model wrote: the last JSON object in
// the text, in a fence or not. An object with "action" is an envelope, which
// may have "send" and "done" too; one without is the action itself. The reason
// is fit to be told to the model.
func reply(text string) (act Act, reason string) {
	object, found := lastObject(text)
	if !found {
		return act, `your answer holds no JSON object; end it with {"action": your action}`
	}
	s := scan{data: object}
	var f fields
	f.collect(&s)
	switch {
	case s.err != nil:
		return act, "the JSON of your answer cannot be read: " + s.err.Error()
	case s.notUTF8:
		return act, "your answer is not UTF-8"
	case len(f.action.text) == 0 && len(f.send.text) == 0 && len(f.done.text) == 0:
		act.Action, _ = Compact(nil, object) // it was scanned
		return act, ""
	}
	if act.Action = f.action.compact(); act.Action == nil {
		act.Action = []byte("null")
	}
	if reason = f.done.boolean(&act.Done); reason == "" && !f.send.null() {
		act.Send, reason = sends(f.send.text)
	}
	if reason != "" {
		return Act{}, fmt.Sprintf("the JSON object of your answer is ill-formed: %s", reason)
	}
	return act, ""
}

// mostScanned bounds how often a byte of a reply is read on average: text can
// be made that looks like the beginning of an object at every other byte.
const mostScanned = 32

// lastObject finds the last JSON object of a text that is not part of another
// one. Where none is whole, it gives the beginning of what looks like one.
func lastObject(text string) (object []byte, found bool) {
	data := []byte(text)
	var broken []byte
	for from, budget := 0, mostScanned*len(data); budget >= 0; {
		i := bytes.IndexByte(data[from:], '{')
		if i < 0 {
			break
		}
		from += i
		s := scan{data: data, i: from}
		whole := s.readValue()
		budget -= s.i - from
		if whole {
			object, found = s.val.text, true
			from = s.i
			continue
		}
		if broken == nil {
			broken = data[from:]
		}
		from++
	}
	if !found && broken != nil {
		return broken, true
	}
	return object, found
}
