package modeltest

import (
	"encoding/json"
	"net/http"
)

// signature stands for the service's seal on what was thought.
const signature = "c2VhbA=="

// object is a JSON object; its keys are written in their order as bytes.
type object = map[string]any

// start is the block as it is before any of its text came.
func (b *block) start() object {
	switch b.kind {
	case "thinking":
		return object{"type": b.kind, "thinking": "", "signature": ""}
	case "tool_use":
		return object{"type": b.kind, "id": b.id, "name": b.name, "input": object{}}
	}
	return object{"type": b.kind, "text": ""}
}

// whole is the block with all of its text.
func (b *block) whole() object {
	o := b.start()
	switch b.kind {
	case "thinking":
		o["thinking"], o["signature"] = b.text, signature
	case "tool_use":
		o["input"] = b.input
	default:
		o["text"] = b.text
	}
	return o
}

// message is an answer around its content. Its stop reason is null while it is
// not known yet.
func message(q *Request, content []object, stop any, usage Usage) object {
	return object{
		"id": "msg_" + q.id(), "type": "message", "role": "assistant", "model": q.Model,
		"content": content, "stop_reason": stop, "stop_sequence": nil, "usage": usage.json(),
	}
}

func (u Usage) json() object {
	return object{
		"input_tokens": u.Input, "output_tokens": u.Output,
		"cache_read_input_tokens": u.CacheRead, "cache_creation_input_tokens": u.CacheWrite,
	}
}

// kinds names the API's errors by their status.
var kinds = map[int]string{
	http.StatusBadRequest:            "invalid_request_error",
	http.StatusUnauthorized:          "authentication_error",
	http.StatusPaymentRequired:       "billing_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusGatewayTimeout:        "timeout_error",
	overloaded:                       "overloaded_error",
}

// overloaded is a status of the API that HTTP does not know.
const overloaded = 529

func failure(status int, text string) object {
	kind, known := kinds[status]
	switch {
	case known:
	case status < http.StatusInternalServerError:
		kind = "invalid_request_error"
	default:
		kind = "api_error"
	}
	if text == "" {
		text = "as the script has it"
	}
	return object{"type": "error", "error": object{"type": kind, "message": text}}
}

// encode panics at what is no JSON: a script's input of a tool.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func writeError(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, failure(status, text))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v)) // the client may be gone, and that is its affair
}
