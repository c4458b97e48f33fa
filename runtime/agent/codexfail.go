package agent

import "strings"

// codexFailures is how the tool says what failed, which is all that it passes on:
// the first whose words are in the text holds, and what is none of them is an
// answer of the service's to a request that it does not serve.
var codexFailures = []struct {
	words string
	means Failure
}{
	{"reason: content_filter", Refused},
	{"reason: max_output_tokens", InvalidAction},
	{"Connection failed", RateLimited},
	{"stream disconnected", RateLimited},
	{"last status: 429", RateLimited},
	{"rate limit", RateLimited},
	{"at capacity", RateLimited},
	{"high demand", RateLimited},
	{"unexpected status 408", RateLimited},
	{"unexpected status 429", RateLimited},
	{"unexpected status 5", RateLimited},
	{"last status: 5", RateLimited},
	{"error sending request", RateLimited},
	{"timeout waiting for", RateLimited},
	{"unexpected status 401", Budget},
	{"unexpected status 402", Budget},
	{"unexpected status 403", Budget},
	{"Quota exceeded", Budget},
	{"usage limit", Budget},
	{"Missing environment variable", Budget},
}

// codexFailure says what a turn that failed means.
func codexFailure(text string) (f Failure, detail string) {
	for _, x := range codexFailures {
		if !strings.Contains(text, x.words) {
			continue
		}
		if x.means == Budget {
			text = "the account is not served: " + text
		}
		return x.means, text
	}
	return Refused, text
}
