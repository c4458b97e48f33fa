package modeltest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// A Request is one call of the model. Once the script has it, nothing in it
// changes any more.
type Request struct {
	N         int    // how many the script was asked before, by whomever
	Key       string // of the header x-api-key, or the bearer's token
	Session   string // of Claude Code, its session id; of Codex, its thread's; others have none
	Model     string
	System    string // the texts of the system prompt, or of the developer, joined by newlines
	Messages  []Message
	Tools     []string // the names
	MaxTokens int
	Stream    bool
	Header    http.Header
	Raw       []byte // the body

	wire wire
	ctx  context.Context
}

// Context is done once the client has gone away, the server is closed or the
// answer is out.
func (r *Request) Context() context.Context { return r.ctx }

// LastUser is what the user said last: the last text of a user's message that
// is not a client's own remark, trimmed. It stays the same while the model
// calls tools.
func (r *Request) LastUser() string {
	texts := r.texts()
	if len(texts) == 0 {
		return ""
	}
	return texts[len(texts)-1]
}

// Turn counts what the user said before LastUser, in this conversation. What
// was never answered counts too: a client keeps it.
func (r *Request) Turn() int { return max(0, len(r.texts())-1) }

// texts lists what the user said. A client puts several of them in one message
// where the answer between them failed, each with a newline at its end.
func (r *Request) texts() []string {
	var all []string
	for _, m := range r.Messages {
		if m.Role != "user" {
			continue
		}
		for _, b := range m.Blocks {
			if b.isSaid() {
				all = append(all, strings.TrimSpace(b.Text))
			}
		}
	}
	return all
}

// isSaid tells a text from what a client adds to a user's message by itself.
func (b *Block) isSaid() bool {
	return b.Type == "text" && !slices.ContainsFunc(remarks, func(head string) bool {
		return strings.HasPrefix(strings.TrimSpace(b.Text), head)
	})
}

// remarks are how texts begin that Claude Code or Codex adds.
var remarks = []string{"<system-reminder>", "<environment_context>", "# AGENTS.md instructions", "<turn_aborted>"}

// Results lists the results of the tools that the model called last: the
// blocks of type tool_result since its last message. There are none if it
// called none, or if the user has said something since.
func (r *Request) Results() []Block {
	var all []Block
	for _, m := range r.Messages {
		if m.Role == "assistant" {
			all = nil
		}
		for _, b := range m.Blocks {
			switch {
			case b.Type == "tool_result":
				all = append(all, b)
			case m.Role == "user" && b.isSaid():
				all = nil
			}
		}
	}
	return all
}

// decode reads a request of the Messages API. What it does not know it leaves
// out: Raw has it.
func decode(r *http.Request, body []byte) (*Request, error) {
	var in struct {
		Model     string
		System    content
		Messages  []Message
		MaxTokens int `json:"max_tokens"`
		Stream    bool
		Tools     []struct{ Name string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	request := &Request{
		Key: key(r.Header), Session: r.Header.Get("X-Claude-Code-Session-Id"),
		Model: in.Model, System: in.System.text(), Messages: in.Messages,
		MaxTokens: in.MaxTokens, Stream: in.Stream,
		Header: r.Header.Clone(), Raw: body, wire: messagesAPI{}, ctx: r.Context(),
	}
	for _, tool := range in.Tools {
		request.Tools = append(request.Tools, tool.Name)
	}
	return request, nil
}

func key(h http.Header) string {
	if key := h.Get("X-Api-Key"); key != "" {
		return key
	}
	token, _ := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	return token
}
