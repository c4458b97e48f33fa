package main

// cost builds the dashboard of what one run's models take.
func cost() ([]byte, error) {
	s := newSheet("Cost", "troupe-cost", "What the models of one run take: money, tokens and time.")
	s.ofRun()
	s.money()
	s.tokens()
	s.requests()
	return s.json()
}

func (s *sheet) money() {
	s.row("Money")
	s.WithPanel(s.number("Spent", "What models cost, as it is on record.", "currencyUSD",
		query{one(`troupe_run_cost_usd{` + thisRun + `}`), ""}).Decimals(2))
	s.WithPanel(s.number("Left", "What is left of the run's budget.", "currencyUSD",
		query{one(`troupe_budget_left_usd{` + thisRun + `,budget="limits.usd"}`), ""}).Decimals(2))
	s.WithPanel(s.number("Budget", "What the run may spend.", "currencyUSD",
		query{one(`troupe_budget_limit_usd{` + thisRun + `,budget="limits.usd"}`), ""}).Decimals(2))
	s.WithPanel(s.number("An hour", "What models cost in an hour, as fast as in the newest 5 minutes: a turn may take longer than a scrape or two.", "currencyUSD",
		query{`3600 * sum(rate(troupe_model_cost_usd_total{` + thisRun + `}[5m]))`, ""}).Decimals(2))
	s.WithPanel(s.graph("Spent by agent", "What models cost, in all and by the agents that cost most: theirs is since the run was begun, or gone on with.", "currencyUSD",
		query{one(`troupe_run_cost_usd{` + thisRun + `}`), "all"},
		query{top(`sum by (agent) (troupe_model_cost_usd_total{` + thisRun + `})`), "{{agent}}"}).Decimals(2))
	s.WithPanel(s.graph("Budgets left", "What is left of each budget, of all of it.", "percentunit",
		query{`troupe_budget_left_usd{` + thisRun + `} / troupe_budget_limit_usd{` + thisRun + `}`, "{{budget}}"}))
}

func (s *sheet) tokens() {
	s.row("Tokens")
	s.WithPanel(stacked(s.graph("Tokens per second", "What models read and wrote, as it is on record; input is without the cache's.", "short",
		query{rate("troupe_model_tokens_total", "type"), "{{type}}"})))
	s.WithPanel(s.graph("Tokens per second by model", "All types together.", "short",
		query{rate("troupe_model_tokens_total", "model"), "{{model}}"}))
	s.WithPanel(s.graph("Turn duration", "How long an answer of a model took, all of its requests together.", "s",
		quantiles("troupe_model_turn_duration_seconds", "model")...))
	s.WithPanel(s.graph("Tokens of an operation", "What one request by the gateway, or one turn of a tool that goes around it, reads and writes.", "short",
		quantiles("gen_ai_client_token_usage", "gen_ai_token_type")...))
}

func (s *sheet) requests() {
	s.row("Requests")
	s.WithPanel(s.graph("Requests per second", "Requests by the gateway, by who answered them and with what status.", "reqps",
		query{rate("troupe_gateway_requests_total", "api, by, status"), "{{api}} {{by}} {{status}}"}))
	s.WithPanel(s.graph("Retries per second", "Requests that were made again since the upstream had no room.", "reqps",
		query{rate("troupe_gateway_retries_total", "api"), "{{api}}"}))
	s.WithPanel(s.graph("Operation duration", "How long one request by the gateway took, or one turn of a tool that goes around it, of those that went well.", "s",
		quantilesOf("gen_ai_client_operation_duration_seconds", `error_type=""`, "gen_ai_request_model")...))
}
