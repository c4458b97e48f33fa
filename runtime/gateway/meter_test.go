package gateway

import (
	"encoding/json"
	"testing"

	"github.com/troupe-dev/troupe/runtime/price"
)

// answers are what upstreams say, by what it took.
var answers = []struct {
	name   string
	api    *API
	path   string
	stream bool
	text   string
	model  string
	tokens price.Tokens
	whole  bool
}{
	{"message", &anthropic, "/v1/messages", false,
		`{"type":"message","model":"claude-haiku-4-5","usage":{"input_tokens":7,"output_tokens":3,"cache_read_input_tokens":5,"cache_creation_input_tokens":11,"cache_creation":{"ephemeral_5m_input_tokens":9,"ephemeral_1h_input_tokens":2}}}`,
		"claude-haiku-4-5", price.Tokens{Input: 7, Output: 3, CacheRead: 5, CacheWrite: 9, CacheWrite1h: 2}, true},
	{"stream of messages", &anthropic, "/v1/messages", true,
		"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1,\"cache_read_input_tokens\":5}}}\n\n" +
			"event: ping\ndata: {\"type\":\"ping\"}\n\n" +
			"event: message_delta\r\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":30}}\r\n\r\n" +
			"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
		"m", price.Tokens{Input: 7, Output: 30, CacheRead: 5}, true},
	{"cut stream of messages", &anthropic, "/v1/messages", true,
		"data: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\ndata: {\"type\":\"message_de",
		"m", price.Tokens{Input: 7, Output: 1}, false},
	{"response", &openai, "/v1/responses", false,
		`{"object":"response","model":"gpt-5","usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":6}}`,
		"gpt-5", price.Tokens{Input: 6, Output: 6, CacheRead: 4}, true},
	{"stream of responses", &openai, "/v1/responses", true,
		"data: {\"type\":\"response.created\",\"response\":{\"object\":\"response\",\"model\":\"gpt-5\",\"usage\":null}}\n\n" +
			"data: {\"type\":\"response.completed\",\"response\":{\"object\":\"response\",\"model\":\"gpt-5\",\"usage\":{\"input_tokens\":10,\"output_tokens\":6}}}\n\n",
		"gpt-5", price.Tokens{Input: 10, Output: 6}, true},
	{"completion", &openai, "/v1/chat/completions", false,
		`{"object":"chat.completion","model":"gpt-4.1","usage":{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens":6}}`,
		"gpt-4.1", price.Tokens{Input: 6, Output: 6, CacheRead: 4}, true},
	{"stream of completions", &openai, "/v1/chat/completions", true,
		"data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4.1\",\"usage\":null}\n\n" +
			"data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4.1\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":6}}\n\ndata: [DONE]\n\n",
		"gpt-4.1", price.Tokens{Input: 10, Output: 6}, true},
	{"fast message", &anthropic, "/v1/messages", true,
		"data: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1,\"speed\":\"fast\"}}}\n\n" +
			"data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":3}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
		"m", price.Tokens{Input: 7, Output: 3, Fast: true}, true},
	{"fast response", &openai, "/v1/responses", true,
		"data: {\"type\":\"response.completed\",\"response\":{\"object\":\"response\",\"model\":\"gpt-5\",\"service_tier\":\"priority\",\"usage\":{\"input_tokens\":10,\"output_tokens\":6}}}\n\n",
		"gpt-5", price.Tokens{Input: 10, Output: 6, Fast: true}, true},
	{"fast completion", &openai, "/v1/chat/completions", false,
		`{"object":"chat.completion","model":"gpt-5","service_tier":"fast","usage":{"prompt_tokens":10,"completion_tokens":6}}`,
		"gpt-5", price.Tokens{Input: 10, Output: 6, Fast: true}, true},
	{"figures that are none", &anthropic, "/v1/messages", false,
		`{"type":"message","model":"m","usage":{"input_tokens":-7,"output_tokens":9223372036854775807,"cache_creation":{"ephemeral_1h_input_tokens":-9223372036854775808},"cache_creation_input_tokens":5}}`,
		"m", price.Tokens{Output: price.MostTokens}, true},
	{"garbage", &anthropic, "/v1/messages", true, "data: {]\n\ndata\n\n:\n\n", "", price.Tokens{}, false},
}

// A meter reads the same of an answer however it is cut into parts.
func TestMeter(t *testing.T) {
	for _, c := range answers {
		for size := range 40 {
			m := meter{billing: c.api.billed[c.path], stream: c.stream}
			for rest := c.text; rest != ""; {
				n := min(size+1, len(rest))
				if size == 39 {
					n = len(rest)
				}
				_, _ = m.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			m.end()
			if m.Model != c.model || m.Tokens != c.tokens || m.Whole != c.whole {
				t.Errorf("%s in parts of %d: %q, %+v, whole %t", c.name, size+1, m.Model, m.Tokens, m.Whole)
			}
		}
	}
}

func FuzzMeter(f *testing.F) {
	for _, c := range answers {
		f.Add(c.path, c.stream, []byte(c.text))
	}
	f.Fuzz(func(t *testing.T, path string, stream bool, text []byte) {
		for _, api := range APIs {
			m := meter{billing: api.billed[path], stream: stream}
			if m.billing.event == nil {
				continue
			}
			_, _ = m.Write(text)
			m.end()
			p := price.List().Dearest()
			if p.Cost(&m.Tokens) < 0 {
				t.Errorf("%+v cost less than nothing", m.Tokens)
			}
		}
	})
}

// What asks to be answered faster, by each provider's words, is reserved for at its price.
func TestFastRequests(t *testing.T) {
	for body, want := range map[string]bool{
		`{"speed":"fast"}`: true, `{"service_tier":"priority"}`: true, `{"service_tier":"fast"}`: true,
		`{}`: false, `{"speed":"standard"}`: false, `{"service_tier":"auto"}`: false, `{"service_tier":"flex"}`: false,
	} {
		var r request
		if err := json.Unmarshal([]byte(body), &r); err != nil || r.fast() != want {
			t.Errorf("%s: fast %t, %v", body, r.fast(), err)
		}
	}
}
