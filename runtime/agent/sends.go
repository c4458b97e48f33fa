package agent

import (
	"errors"
	"fmt"
)

// sends reads the messages of an act. list was scanned before.
func sends(list []byte) (out []Send, reason string) {
	s := scan{data: list}
	if !s.open('[') {
		return nil, `"send" is not a list`
	}
	for first := true; s.item(first); first = false {
		m, reason := oneSend(s.val.text)
		if reason != "" {
			return nil, fmt.Sprintf("send[%d] %s", len(out), reason)
		}
		out = append(out, m)
	}
	return out, ""
}

// DecodeSends reads a list of messages as that of an act is written. It says what is
// wrong with one that is none.
func DecodeSends(list []byte) ([]Send, error) {
	list, err := Compact(nil, list) // which scans it
	if err != nil {
		return nil, err
	}
	out, reason := sends(list)
	if reason != "" {
		return nil, errors.New(reason)
	}
	return out, nil
}

// DecodeSend reads one message that an agent sends by itself, as those of an act
// are written. It says what is wrong with one that is none.
func DecodeSend(data []byte) (Send, error) {
	s := scan{data: data}
	if !s.open('{') {
		return Send{}, errors.New("it is not a JSON object")
	}
	for first := true; s.member(first); first = false {
	}
	switch {
	case s.err != nil:
		return Send{}, fmt.Errorf("it is not JSON: %w", s.err)
	case s.notUTF8:
		return Send{}, fmt.Errorf("invalid UTF-8 at byte %d", s.badByte)
	}
	m, reason := oneSend(data)
	if reason != "" {
		return Send{}, errors.New("it " + reason)
	}
	return m, nil
}

func oneSend(item []byte) (m Send, reason string) {
	s := scan{data: item}
	if !s.open('{') {
		return m, "is not an object"
	}
	var to, channel, body raw
	for first := true; s.member(first); first = false {
		switch string(s.name()) {
		case "to":
			to = s.val
		case "channel":
			channel = s.val
		case "body":
			body = s.val
		}
	}
	if to.null() == channel.null() {
		if to.null() {
			return m, `names neither "to" nor "channel"`
		}
		return m, `names both "to" and "channel"`
	}
	var ok bool
	if m.To, ok = to.str(); !to.null() && (!ok || m.To == "") {
		return m, `has a "to" that is not an agent's id`
	}
	if m.Channel, ok = channel.str(); !channel.null() && (!ok || m.Channel == "") {
		return m, `has a "channel" that is not a channel's name`
	}
	if m.Body = body.compact(); m.Body == nil {
		return m, `has no "body"`
	}
	return m, ""
}
