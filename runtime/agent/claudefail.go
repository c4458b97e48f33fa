package agent

import (
	"fmt"
	"net/http"
	"strings"
)

// claudeFailure says what a result that is no reply means; empty for a reply.
//
// The types of errors are those of the Messages API (error.type), which the
// tool passes on beside the status.
func claudeFailure(l *claudeLine) (f Failure, detail string) {
	text := strings.Join(append(l.Errors, l.Result), " ")
	switch {
	case l.Subtype == "error_max_turns":
		return Limit, text
	case l.Subtype == "error_max_budget_usd":
		return Budget, text
	case l.StopReason == "refusal":
		return Refused, text
	case !l.IsError:
		return "", ""
	case l.Status == nil && l.Subtype == "success":
		// No answer of the model's at all: it could not be reached.
		return RateLimited, text
	case l.Status == nil:
		return InvalidAction, fmt.Sprintf("the tool failed (%s): %s", l.Subtype, text)
	}
	switch status := *l.Status; {
	case status == http.StatusTooManyRequests, status >= 500, status == http.StatusRequestTimeout:
		return RateLimited, text
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusPaymentRequired,
		l.ErrorType == "billing_error", l.ErrorType == "authentication_error":
		return Budget, "the account is not served: " + text
	}
	return Refused, text
}
