package modeltest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A refusal is a request's error that has a status of its own.
type refusal struct {
	status int
	why    string
}

func (r refusal) Error() string { return r.why }

// statusOf is the status for a request's error: that of a refusal, or else
// that of a bad request.
func statusOf(err error) int {
	var r refusal
	if errors.As(err, &r) {
		return r.status
	}
	return http.StatusBadRequest
}

// check is no complete list, but what a client or a gateway between may get
// wrong.
func (messagesAPI) check(r *Request) error {
	switch {
	case r.Key == "":
		return refusal{http.StatusUnauthorized, "x-api-key header is required"}
	case r.Header.Get("Anthropic-Version") == "":
		return errors.New("anthropic-version: header is required")
	case r.Model == "":
		return errors.New("model: field required")
	case len(r.Messages) == 0:
		return errors.New("messages: at least one message is required")
	case r.Messages[0].Role != "user":
		return errors.New("messages: first message must use the user role")
	}
	return r.checkCalls()
}

// checkCalls wants each call of a tool answered by what the user says next,
// and each answer to be one to such a call. Messages of one role in a row are
// one, and a system's may come between any.
func (r *Request) checkCalls() error {
	var open []string
	role := ""
	for i, m := range r.Messages {
		if m.Role == "system" {
			continue
		}
		if m.Role == "assistant" && role == "user" && len(open) > 0 {
			return unanswered(open)
		}
		role = m.Role
		for _, id := range m.ids("tool_result") {
			at := slices.Index(open, id)
			if at < 0 {
				return fmt.Errorf("messages.%d: unexpected tool_use_id found in tool_result blocks: %s", i, id)
			}
			open = slices.Delete(open, at, at+1)
		}
		open = append(open, m.ids("tool_use")...)
	}
	if len(open) > 0 {
		return unanswered(open)
	}
	return nil
}

func unanswered(calls []string) error {
	return fmt.Errorf("messages: tool_use ids were found without tool_result blocks immediately after: %s", strings.Join(calls, ", "))
}

func (m *Message) ids(kind string) []string {
	var ids []string
	for _, b := range m.Blocks {
		if b.Type == kind {
			ids = append(ids, b.ID)
		}
	}
	return ids
}
