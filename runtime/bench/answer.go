package bench

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// An answerer is the child in Go: MESSAGES messages to PEER with each act, and
// a FLOOD from the first on. It reads of a line what the child in C reads.
type answerer struct {
	tail  []byte // of an act, behind its tick
	out   []byte
	flood string
	asked bool // it was told an observe
}

func newAnswerer(args []string) (*answerer, error) {
	if len(args) != 2 && len(args) != 3 {
		return nil, fmt.Errorf("the child wants a number of messages, a peer and perhaps a flood")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, fmt.Errorf("the number of messages: %w", err)
	}
	a := &answerer{tail: []byte(`,"action":{"n":1}`), flood: quiet}
	if len(args) == 3 {
		a.flood = args[2]
	}
	if n > 0 {
		sends := strings.Repeat(`{"to":"`+args[1]+`","body":"hello"},`, n)
		a.tail = append(a.tail, `,"send":[`+strings.TrimSuffix(sends, ",")+`]`...)
	}
	a.tail = append(a.tail, "}\n"...)
	return a, nil
}

// hear answers one line.
func (a *answerer) hear(line []byte) {
	switch {
	case bytes.HasPrefix(line, []byte(`{"type":"init"`)):
		a.out = append(a.out, `{"type":"ready","agent":"`...)
		a.out = append(a.out, between(line, `"agent":"`, '"')...)
		a.out = append(a.out, "\"}\n"...)
	case bytes.HasPrefix(line, []byte(`{"type":"observe"`)):
		a.out = append(a.out, `{"type":"act","agent":"`...)
		a.out = append(a.out, between(line, `"agent":"`, '"')...)
		a.out = append(a.out, `","tick":`...)
		a.out = append(a.out, between(line, `"tick":`, ',')...)
		a.out = append(a.out, a.tail...)
		a.asked = true
	}
}

// between is what stands behind a key, up to a character.
func between(line []byte, key string, end byte) []byte {
	at := bytes.Index(line, []byte(key))
	if at < 0 {
		return nil
	}
	rest := line[at+len(key):]
	if n := bytes.IndexByte(rest, end); n >= 0 {
		return rest[:n]
	}
	return rest
}
