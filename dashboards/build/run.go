package main

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
)

// run builds the dashboard of one run: how far it is, where its time goes, and what
// troupe itself takes.
func run() ([]byte, error) {
	s := newSheet("Run", "troupe-run", "One run of troupe: how far it is, and where its time goes.")
	s.ofRun()
	s.overview()
	s.ticks()
	s.shared()
	s.supervisor()
	return s.json()
}

// states are those that a run may be in.
var states = []string{"starting", "running", "paused", "finished", "aborted", "interrupted", "failed", "replaying"}

// stateNumber is the place in states of the one that the run is in: a series for each
// would show all that it was in, in the time that is looked at.
func stateNumber() string {
	var terms []string
	for i, name := range states {
		terms = append(terms, fmt.Sprintf(`%d * max(troupe_run_state{%s,state="%s"})`, i, thisRun, name))
	}
	return strings.Join(terms, " + ")
}

func (s *sheet) overview() {
	s.row("Now")
	s.WithPanel(named(s.number("State", "Where the run stands.", "none", query{stateNumber(), ""}), states))
	s.WithPanel(s.number("Ticks", "Ticks that are committed.", "short",
		query{one(`troupe_ticks_total{` + thisRun + `}`), ""}))
	s.WithPanel(s.number("Since the newest tick", "How long nothing was committed: an alert fires where that is long beside the deadline.", "s",
		query{`time() - ` + one(`troupe_run_last_tick_timestamp_seconds{`+thisRun+`}`), ""}))
	s.WithPanel(s.number("Deadline", "The longest that any agent has for a turn; 0 for none.", "s",
		query{one(`troupe_run_deadline_seconds{` + thisRun + `}`), ""}))
	s.WithPanel(s.number("Failures", "Turns that ended with a failure.", "short",
		query{one(`sum by (instance, job) (troupe_outcomes_total{` + thisRun + `,type!="action"})`), ""}))
	s.WithPanel(s.number("Timed outcomes", "Outcomes that a clock decided: while it is 0, another run comes to the same hash.", "short",
		query{one(`troupe_timed_outcomes_total{` + thisRun + `}`), ""}))
	s.WithPanel(s.number("Planned", "Ticks after which the run ends; 0 where nothing says so.", "short",
		query{one(`troupe_run_planned_ticks{` + thisRun + `}`), ""}))
	s.WithPanel(s.number("Agents", "Agents alive, whatever the state of their process.", "short",
		query{`sum(troupe_agents{` + thisRun + `})`, ""}))
	s.WithPanel(s.number("Spent", "What models cost, as it is on record.", "currencyUSD",
		query{one(`troupe_run_cost_usd{` + thisRun + `}`), ""}).Decimals(2))
	s.WithPanel(s.number("Build", "The troupe that runs it, the scenario, and the walls around its agents.", "none",
		query{`troupe_run_info{` + thisRun + `} * on (instance, job) group_left (version, go_version) troupe_build_info`,
			"{{scenario}}, seed {{seed}}, isolation {{isolation}}: troupe {{version}}, {{go_version}}"}).
		TextMode(common.BigValueTextModeName).Span(2 * statWidth))
}

func (s *sheet) ticks() {
	s.row("Ticks")
	s.WithPanel(s.graph("Ticks per second", "Ticks committed.", "ops",
		query{rate("troupe_ticks_total", "run"), "ticks"}))
	s.WithPanel(s.graph("Tick duration", "Where a tick's time goes: until the last agent has its observe, until the last one has acted, the world's step, the record's commit.", "s",
		quantiles("troupe_tick_duration_seconds", "phase")...))
	s.WithPanel(s.graph("Outcomes per second", "How turns ended.", "ops",
		query{rate("troupe_outcomes_total", "type"), "{{type}}"}))
	s.WithPanel(s.graph("Messages per second", "Messages between agents, as they were sent.", "ops",
		query{rate("troupe_messages_total", "kind"), "{{kind}}"}))
}

func (s *sheet) shared() {
	s.row("Files in common")
	s.WithPanel(s.graph("Commits per second", "Change sets that came into the shared tree, and those that somebody else came before.", "ops",
		query{rate("troupe_commits_total", "run"), "in"},
		query{rate("troupe_commit_conflicts_total", "run"), "conflicts"}))
	s.WithPanel(stacked(s.graph("Leases", "Leases on paths of the shared tree.", "short",
		query{`troupe_leases{` + thisRun + `}`, "{{state}}"})))
	s.WithPanel(s.graph("Lease wait", "How long leases took that had to be waited for, from the request to when they were handed over.", "s",
		quantiles("troupe_lease_wait_seconds", "run")...))
	s.WithPanel(s.graph("Hand-overs per second", "Leases that one agent let go of and another had waited for.", "ops",
		query{rate("troupe_lease_wait_seconds_count", "run"), "leases"}))
}

func (s *sheet) supervisor() {
	s.row("Supervisor")
	s.WithPanel(s.graph("Memory of the supervisor", "Resident memory of troupe itself.", "bytes",
		query{ofSupervisor("process_resident_memory_bytes"), "troupe"}))
	s.WithPanel(s.graph("Processor of the supervisor", "Processors that troupe itself keeps busy.", "short",
		query{ofSupervisor("rate(process_cpu_seconds_total[$__rate_interval])"), "troupe"}))
}
