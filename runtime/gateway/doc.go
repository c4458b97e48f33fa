// Package gateway stands between the agents' command line tools and the models
// that they talk to: a reverse proxy for the interfaces of Anthropic and OpenAI.
//
// An agent has a base URL and a token of its own, which is worth nothing
// elsewhere; the key that the upstream wants stays in this process. Each request
// goes through, in this order:
//
//	door      whose token it is, and which tick its agent is in
//	budgets   what it may cost is reserved, of its agent, its teams and the run
//	governor  a place at the upstream: its limits of rate and concurrency
//	upstream  the request as it came, with the real key
//	meter     tokens and cost, read from the answer as it goes by
//	exchanges request and answer, kept before the last byte is passed on
package gateway
