package modeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// responsesAPI is OpenAI's, as far as Codex needs it.
type responsesAPI struct{}

// An inputItem is one part of the conversation in a request. Which fields are set
// depends on its type.
type inputItem struct {
	Type, Role string
	Content    content
	Summary    content // of a reasoning
	Call       string  `json:"call_id"`
	Name       string
	Arguments  string
	Input      string // of a custom_tool_call
	Output     content
	Tools      []responsesTool // of additional_tools
}

// A responsesTool is a tool that a request offers, or a namespace of several.
type responsesTool struct {
	Type, Name string
	Tools      []responsesTool
}

// decodeResponses reads a request of the Responses API in the words of the
// Messages API, so that scripts need not tell them apart: what the developer says
// is the system prompt, a call is a tool_use and its output a tool_result.
func decodeResponses(r *http.Request, body []byte) (*Request, error) {
	var in struct {
		Model           string
		Instructions    string
		Input           []inputItem
		Stream          bool
		Tools           []responsesTool
		MaxOutputTokens int `json:"max_output_tokens"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	q := &Request{
		Key: key(r.Header), Session: r.Header.Get("Thread-Id"), Model: in.Model, System: in.Instructions,
		MaxTokens: in.MaxOutputTokens, Stream: in.Stream,
		Header: r.Header.Clone(), Raw: body, wire: responsesAPI{}, ctx: r.Context(),
	}
	q.offer(in.Tools)
	for _, item := range in.Input {
		q.take(&item)
	}
	return q, nil
}

// offer lists tools by their names, those of namespaces too.
func (r *Request) offer(tools []responsesTool) {
	for _, tool := range tools {
		if tool.Type == "namespace" {
			r.offer(tool.Tools)
			continue
		}
		name := tool.Name
		if name == "" { // of the service's own
			name = tool.Type
		}
		r.Tools = append(r.Tools, name)
	}
}

// take adds an item to the conversation.
func (r *Request) take(item *inputItem) {
	say := func(role string, blocks ...Block) {
		r.Messages = append(r.Messages, Message{role, blocks})
	}
	switch item.Type {
	case "message", "":
		if item.Role == "developer" || item.Role == "system" {
			r.System += "\n" + item.Content.text()
			return
		}
		say(item.Role, item.Content...)
	case "reasoning":
		say("assistant", Block{Type: "thinking", Text: item.Summary.text()})
	case "function_call":
		say("assistant", Block{Type: "tool_use", ID: item.Call, Name: item.Name, Input: json.RawMessage(item.Arguments)})
	case "custom_tool_call":
		say("assistant", Block{Type: "tool_use", ID: item.Call, Name: item.Name, Input: encode(item.Input)})
	case "function_call_output", "custom_tool_call_output":
		say("user", Block{Type: "tool_result", ID: item.Call, Text: item.Output.text()})
	case "additional_tools":
		r.offer(item.Tools)
	}
}

// check is like that of the Messages API.
func (responsesAPI) check(r *Request) error {
	switch {
	case r.Key == "":
		return refusal{http.StatusUnauthorized, "you didn't provide an API key"}
	case r.Model == "":
		return errors.New("you must provide a model parameter")
	case len(r.Messages) == 0:
		return errors.New("one of input or previous_response_id must be provided")
	}
	var open []string
	for _, m := range r.Messages {
		for _, id := range m.ids("tool_result") {
			at := slices.Index(open, id)
			if at < 0 {
				return fmt.Errorf("no tool call found for function call output with call_id %s", id)
			}
			open = slices.Delete(open, at, at+1)
		}
		open = append(open, m.ids("tool_use")...)
	}
	if len(open) > 0 {
		return fmt.Errorf("no tool output found for function call %s", open[0])
	}
	return nil
}

// openAIKinds names the API's errors by their status.
var openAIKinds = map[int]string{
	http.StatusUnauthorized:    "invalid_api_key",
	http.StatusPaymentRequired: "insufficient_quota",
	http.StatusNotFound:        "model_not_found",
	http.StatusTooManyRequests: "rate_limit_exceeded",
}

func (responsesAPI) failure(status int, text string) object {
	kind, known := openAIKinds[status]
	switch {
	case known:
	case status < http.StatusInternalServerError:
		kind = "invalid_request_error"
	default:
		kind = "server_error"
	}
	if text == "" {
		text = "as the script has it"
	}
	return object{"error": object{"type": kind, "code": kind, "message": text, "param": nil}}
}
