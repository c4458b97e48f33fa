package agent

import (
	"strings"
	"testing"
)

// TestClaudeFailure is the table of how a result that is no reply is read.
func TestClaudeFailure(t *testing.T) {
	api := func(status int, kind string) map[string]any {
		return map[string]any{"is_error": true, "api_error_status": status, "api_error_type": kind, "stop_reason": "stop_sequence", "result": "API Error: oh"}
	}
	for name, c := range map[string]struct {
		change map[string]any
		want   Failure
		detail string
	}{
		"an answer":                 {nil, "", ""},
		"turns are spent":           {map[string]any{"subtype": "error_max_turns", "is_error": true, "errors": []string{"Reached maximum number of turns (1)"}}, Limit, "Reached maximum number of turns (1)"},
		"money is spent":            {map[string]any{"subtype": "error_max_budget_usd", "is_error": true, "errors": []string{"Reached maximum budget"}}, Budget, "Reached maximum budget"},
		"a refusal":                 {map[string]any{"stop_reason": "refusal", "is_error": true, "result": "I cannot."}, Refused, "I cannot."},
		"a refusal that is none":    {map[string]any{"stop_reason": "refusal", "result": "I cannot."}, Refused, "I cannot."},
		"no connection":             {map[string]any{"is_error": true, "result": "Unable to connect"}, RateLimited, "Unable to connect"},
		"the tool fell over":        {map[string]any{"subtype": "error_during_execution", "is_error": true, "errors": []string{"oh", "no"}}, InvalidAction, "the tool failed (error_during_execution): oh no"},
		"too many requests":         {api(429, "rate_limit_error"), RateLimited, "API Error: oh"},
		"overloaded":                {api(529, "overloaded_error"), RateLimited, "API Error: oh"},
		"a fault of the server":     {api(500, "api_error"), RateLimited, "API Error: oh"},
		"a timeout of the server":   {api(408, "timeout_error"), RateLimited, "API Error: oh"},
		"an unknown key":            {api(401, "authentication_error"), Budget, "the account is not served: API Error: oh"},
		"a forbidden model":         {api(403, "permission_error"), Budget, "the account is not served"},
		"no credit":                 {api(402, "billing_error"), Budget, "the account is not served"},
		"no credit, as a bad one":   {api(400, "billing_error"), Budget, "the account is not served"},
		"a bad request":             {api(400, "invalid_request_error"), Refused, "API Error: oh"},
		"a request that is too big": {api(413, "request_too_large"), Refused, "API Error: oh"},
		"no such model":             {api(404, "not_found_error"), Refused, "API Error: oh"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, changed := c.change["errors"]; changed {
				c.change["result"] = ""
			}
			l := decoded(t, claudeFor("ann"), resultLine(c.change))
			if l.Failure != c.want || !strings.Contains(l.Detail, c.detail) || (l.Type == TypeFailed) != (c.want != "") {
				t.Errorf("%+v", l)
			}
		})
	}
}
