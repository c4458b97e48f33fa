package gateway

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/troupe-dev/troupe/runtime/price"
)

// A meter reads what an answer took while it goes by. It is for one goroutine.
type meter struct {
	billing billing
	stream  bool // of server-sent events; else one JSON object

	Model  string // as the upstream names it
	Tokens price.Tokens
	// Said says that the upstream told what the answer took, as far as it is
	// known: input when a stream of Anthropic's begins, all at its end.
	Said  bool
	Whole bool // and that the answer came to its end

	rest []byte // of a line that is not whole, or of the object
	data []byte // of the event, so far
}

// mostHeld bounds what a meter holds of an answer to read it.
const mostHeld = 64 << 20

// Write takes in the next part of the answer. It never fails.
func (m *meter) Write(p []byte) (int, error) {
	n := len(p)
	if !m.stream {
		if len(m.rest)+n <= mostHeld {
			m.rest = append(m.rest, p...)
		}
		return n, nil
	}
	for len(p) > 0 {
		line, after, found := bytes.Cut(p, []byte("\n"))
		if !found {
			if len(m.rest)+len(p) <= mostHeld {
				m.rest = append(m.rest, p...)
			}
			break
		}
		if len(m.rest) > 0 {
			line = append(m.rest, line...)
		}
		m.line(bytes.TrimSuffix(line, []byte("\r")))
		m.rest, p = m.rest[:0], after
	}
	return n, nil
}

// line takes in one line of a stream: fields of an event, which an empty line
// ends.
func (m *meter) line(line []byte) {
	if len(line) == 0 {
		if len(m.data) > 0 {
			m.billing.event(m, m.data)
		}
		m.data = m.data[:0]
		return
	}
	if data, ok := bytes.CutPrefix(line, []byte("data:")); ok && len(m.data)+len(data) <= mostHeld {
		if len(m.data) > 0 {
			m.data = append(m.data, '\n')
		}
		m.data = append(m.data, bytes.TrimPrefix(data, []byte(" "))...)
	}
}

// end says that nothing more comes.
func (m *meter) end() {
	if m.stream {
		m.line(nil)
	} else if len(m.rest) > 0 {
		m.billing.event(m, m.rest)
	}
	m.rest = nil
	m.Tokens.Bound()
}

// anthropicUsage is the usage of the Messages API. What a later event of a stream
// says stands for what an earlier one said: its figures are totals.
type anthropicUsage struct {
	Input      *int64 `json:"input_tokens"`
	Output     *int64 `json:"output_tokens"`
	CacheRead  *int64 `json:"cache_read_input_tokens"`
	CacheWrite *int64 `json:"cache_creation_input_tokens"`
	Created    *struct {
		Hour int64 `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	Speed string `json:"speed"`
}

// speedFast is what Anthropic calls it that an answer comes faster than usual, for a
// higher price. (Its service tiers are contracts, whose prices no table has.)
const speedFast = "fast"

// fastTier says whether it is what OpenAI calls the same, by either name.
func fastTier(tier string) bool { return tier == "fast" || tier == "priority" }

func (u *anthropicUsage) into(m *meter) {
	if u == nil {
		return
	}
	m.Said = true
	t := &m.Tokens
	for _, x := range []struct{ to, from *int64 }{{&t.Input, u.Input}, {&t.Output, u.Output}, {&t.CacheRead, u.CacheRead}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	t.Fast = t.Fast || u.Speed == speedFast
	if u.Created != nil {
		t.CacheWrite1h = u.Created.Hour
	}
	if u.CacheWrite != nil {
		t.CacheWrite = max(*u.CacheWrite-t.CacheWrite1h, 0)
	}
}

// anthropicEvent reads an event of the Messages API's streams, or a whole message.
func anthropicEvent(m *meter, data []byte) {
	var e struct {
		Type    string
		Model   string
		Usage   *anthropicUsage
		Message *struct {
			Model string
			Usage *anthropicUsage
		}
	}
	if json.Unmarshal(data, &e) != nil {
		return
	}
	switch e.Type {
	case "message":
		m.Model, m.Whole = e.Model, true
		e.Usage.into(m)
	case "message_start":
		if e.Message != nil {
			m.Model = e.Message.Model
			e.Message.Usage.into(m)
		}
	case "message_delta":
		e.Usage.into(m)
	case "message_stop":
		m.Whole = true
	}
}

// openaiUsage is the usage of the Responses API and, by other names, of the Chat
// Completions API. Tokens of the cache are among those of the input.
type openaiUsage struct {
	Input         int64  `json:"input_tokens"`
	Output        int64  `json:"output_tokens"`
	Prompt        int64  `json:"prompt_tokens"`
	Completion    int64  `json:"completion_tokens"`
	InputDetails  cached `json:"input_tokens_details"`
	PromptDetails cached `json:"prompt_tokens_details"`
}

type cached struct {
	Cached int64 `json:"cached_tokens"`
}

func (u *openaiUsage) into(m *meter, tier string) {
	if u == nil {
		return
	}
	m.Said = true
	read := u.InputDetails.Cached + u.PromptDetails.Cached
	m.Tokens = price.Tokens{Input: max(u.Input+u.Prompt-read, 0), Output: u.Output + u.Completion, CacheRead: read, Fast: fastTier(tier)}
}

// responsesEvent reads an event of the Responses API's streams, or a whole
// response.
func responsesEvent(m *meter, data []byte) {
	type response struct {
		Object string
		Model  string
		Tier   string `json:"service_tier"`
		Usage  *openaiUsage
	}
	var e struct {
		Type     string
		Response *response
		response
	}
	if json.Unmarshal(data, &e) != nil {
		return
	}
	r := e.Response
	if r == nil && e.Object == "response" {
		r = &e.response
		m.Whole = true
	}
	if r == nil {
		return
	}
	m.Model = r.Model
	r.Usage.into(m, r.Tier)
	switch strings.TrimPrefix(e.Type, "response.") {
	case "completed", "incomplete", "failed":
		m.Whole = true
	}
}

// completionsEvent reads a chunk of the Chat Completions API's streams, or a whole
// completion. A stream tells its usage where the client asks for it, which the
// gateway does.
func completionsEvent(m *meter, data []byte) {
	if bytes.Equal(data, []byte("[DONE]")) {
		m.Whole = true
		return
	}
	var e struct {
		Object string
		Model  string
		Tier   string `json:"service_tier"`
		Usage  *openaiUsage
	}
	if json.Unmarshal(data, &e) != nil {
		return
	}
	if e.Model != "" {
		m.Model = e.Model
	}
	e.Usage.into(m, e.Tier)
	m.Whole = m.Whole || e.Object == "chat.completion"
}
