package modeltest

import (
	"fmt"
	"unicode/utf8"
)

// piece is how many bytes of a text one event of a stream has, about.
const piece = 24

func (messagesAPI) events(r *Reply, q *Request) [][]byte {
	usage := r.usage()
	begun := usage
	begun.Output = 1
	all := [][]byte{
		event("message_start", object{"message": message(q, []object{}, nil, begun)}),
		event("ping", object{}),
	}
	for i, b := range r.blocks(q) {
		all = append(all, event("content_block_start", object{"index": i, "content_block": b.start()}))
		for _, delta := range b.deltas() {
			all = append(all, event("content_block_delta", object{"index": i, "delta": delta}))
		}
		all = append(all, event("content_block_stop", object{"index": i}))
	}
	return append(all,
		event("message_delta", object{
			"delta": object{"stop_reason": r.stopReason(), "stop_sequence": nil},
			"usage": usage.json(),
		}),
		event("message_stop", object{}))
}

func (messagesAPI) whole(r *Reply, q *Request) []byte {
	content := []object{}
	for _, b := range r.blocks(q) {
		content = append(content, b.whole())
	}
	return encode(message(q, content, r.stopReason(), r.usage()))
}

func (r *Reply) usage() Usage {
	if r.Usage == (Usage{}) {
		return DefaultUsage
	}
	return r.Usage
}

// event is one event of a stream. Its data says its type, as its name does.
func event(name string, data object) []byte {
	data["type"] = name
	return named(name, encode(data))
}

func named(name string, data []byte) []byte {
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, data)
}

// deltas are the block's text, a piece each, and the seal of what was thought.
func (b *block) deltas() []object {
	kind, field, text := "text_delta", "text", b.text
	switch b.kind {
	case "thinking":
		kind, field = "thinking_delta", "thinking"
	case "tool_use":
		kind, field, text = "input_json_delta", "partial_json", string(encode(b.input))
	}
	var all []object
	for _, part := range pieces(text) {
		all = append(all, object{"type": kind, field: part})
	}
	if b.kind == "thinking" {
		all = append(all, object{"type": "signature_delta", "signature": signature})
	}
	return all
}

// pieces cuts a text, never inside of a character.
func pieces(text string) []string {
	var all []string
	for len(text) > piece {
		at := piece
		for at > 0 && !utf8.RuneStart(text[at]) {
			at--
		}
		if at == 0 { // no UTF-8
			at = piece
		}
		all = append(all, text[:at])
		text = text[at:]
	}
	return append(all, text)
}
