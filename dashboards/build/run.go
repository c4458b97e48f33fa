package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// run builds the dashboard of one run: what it has done, how its agents are,
// what they take.
func run() ([]byte, error) {
	//nolint:staticcheck // the classic schema, not its successor: every Grafana reads it, also one before 13
	s := &sheet{DashboardBuilder: dashboard.NewDashboardBuilder("Run").
		Uid("troupe-run").Description("One run of troupe: its ticks, agents, models and processes.").
		Tags([]string{"troupe"}).Readonly().Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Timezone(common.TimeZoneBrowser).Time("now-15m", "now").Refresh("5s")}
	s.WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus"))
	s.WithVariable(dashboard.NewQueryVariableBuilder("run").Label("Run").Datasource(source()).
		Query(dashboard.StringOrMap{String: cog.ToPtr("label_values(troupe_run_info, run)")}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortNaturalDesc))
	s.overview()
	s.ticks()
	s.agents()
	s.shared()
	s.models()
	s.processes()
	built, err := s.Build()
	if err != nil {
		return nil, err
	}
	return encode(built)
}

func (s *sheet) overview() {
	s.row("Now")
	s.WithPanel(s.number("Ticks", "Ticks that are committed.", "short",
		query{`troupe_ticks_total{run="$run"}`, ""}))
	s.WithPanel(s.number("Agents", "Agents alive, whatever the state of their process.", "short",
		query{`sum(troupe_agents{run="$run"})`, ""}))
	s.WithPanel(s.number("Failures", "Turns that ended with a failure.", "short",
		query{`sum(troupe_failures_total{run="$run"})`, ""}))
	s.WithPanel(s.number("Timed outcomes", "Outcomes that a clock decided: while it is 0, another run comes to the same hash.", "short",
		query{`troupe_timed_outcomes_total{run="$run"}`, ""}))
	s.WithPanel(s.number("Spent", "What models cost, as the agents' tools tell it.", "currencyUSD",
		query{`sum(troupe_model_cost_usd_total{run="$run"})`, ""}).Decimals(2))
	s.WithPanel(s.number("Build", "The troupe that runs it, the scenario, and the walls around its agents.", "short",
		query{`troupe_run_info{run="$run"} * on (instance, job) group_left (version, go_version) troupe_build_info`,
			"{{scenario}}, seed {{seed}}, isolation {{isolation}}: troupe {{version}}, {{go_version}}"}).
		TextMode(common.BigValueTextModeName))
}

func (s *sheet) ticks() {
	s.row("Ticks")
	s.WithPanel(s.graph("Ticks per second", "Ticks committed.", "ops",
		query{rate("troupe_ticks_total", "run"), "ticks"}))
	s.WithPanel(s.graph("Tick duration", "Where a tick's time goes: asking the agents, stepping the world, committing the record.", "s",
		quantiles("troupe_tick_duration_seconds", "phase")...))
}

func (s *sheet) agents() {
	s.row("Agents")
	s.WithPanel(stacked(s.graph("Agents by state", "Agents alive, by the state of their process.", "short",
		query{`troupe_agents{run="$run"}`, "{{state}}"})))
	s.WithPanel(s.graph("Action latency", "From the observe to the answer, by the agent's kind.", "s",
		quantiles("troupe_action_latency_seconds", "kind")...))
	s.WithPanel(s.graph("Outcomes per second", "How turns ended.", "ops",
		query{rate("troupe_outcomes_total", "type"), "{{type}}"}))
	s.WithPanel(s.graph("Failures per second", "Turns that ended with a failure, by the agent's entry: the most frequent.", "ops",
		query{top(rate("troupe_failures_total", "entry, type")), "{{entry}} {{type}}"}))
	s.WithPanel(s.graph("Restarts", "Starts of a process after its first one: the processes with the most.", "short",
		query{top(`troupe_restarts_total{run="$run"}`), "{{process}}"}))
	s.WithPanel(s.graph("Messages per second", "Messages between agents, as they were sent.", "ops",
		query{rate("troupe_messages_total", "kind"), "{{kind}}"}))
}

func (s *sheet) shared() {
	s.row("Files in common")
	s.WithPanel(s.graph("Commits per second", "Change sets that came into the shared tree, and those that somebody else came before.", "ops",
		query{`rate(troupe_commits_total{run="$run"}[$__rate_interval])`, "in"},
		query{`rate(troupe_commit_conflicts_total{run="$run"}[$__rate_interval])`, "conflicts"}))
	s.WithPanel(stacked(s.graph("Leases", "Leases on paths of the shared tree.", "short",
		query{`troupe_leases{run="$run"}`, "{{state}}"})))
	s.WithPanel(s.graph("Lease wait", "How long leases took that had to be waited for.", "s",
		quantiles("troupe_lease_wait_seconds", "run")...))
}

func (s *sheet) models() {
	s.row("Models")
	s.WithPanel(stacked(s.graph("Tokens per second", "What models read and wrote; input is without the cache's.", "short",
		query{rate("troupe_model_tokens_total", "type"), "{{type}}"})))
	s.WithPanel(s.graph("Spent", "What models cost, in all and by the agents that cost most.", "currencyUSD",
		query{`sum(troupe_model_cost_usd_total{run="$run"})`, "all"},
		query{top(`sum by (agent) (troupe_model_cost_usd_total{run="$run"})`), "{{agent}}"}).Decimals(2))
	s.WithPanel(s.graph("Turn duration", "How long an answer of a model took, all of its requests together.", "s",
		quantiles("troupe_model_turn_duration_seconds", "model")...))
	s.WithPanel(s.graph("Tokens per second by model", "All types together.", "short",
		query{rate("troupe_model_tokens_total", "model"), "{{model}}"}))
}

func (s *sheet) processes() {
	s.row("Processes")
	s.WithPanel(s.graph("Memory", "Resident memory of a process with its descendants: the largest.", "bytes",
		query{top(`troupe_process_memory_bytes{run="$run"}`), "{{process}}"}))
	s.WithPanel(s.graph("Processor", "Processors that a process with its descendants keeps busy: the most.", "short",
		query{top(rate("troupe_process_cpu_seconds_total", "process")), "{{process}}"}))
	s.WithPanel(s.graph("Memory of the supervisor", "Resident memory of troupe itself.", "bytes",
		query{ofSupervisor("process_resident_memory_bytes"), "troupe"}))
	s.WithPanel(s.graph("Processor of the supervisor", "Processors that troupe itself keeps busy.", "short",
		query{ofSupervisor("rate(process_cpu_seconds_total[$__rate_interval])"), "troupe"}))
}
