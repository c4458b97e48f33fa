package main

import "fmt"

// fleet builds the dashboard of all supervisors and their runs.
func fleet() ([]byte, error) {
	s := newSheet("Fleet", "troupe-fleet", "All supervisors and all of their runs.")
	s.ofMany("instance", "Supervisor", "troupe_build_info")
	s.all()
	s.load()
	return s.json()
}

// here picks series of the supervisors that the reader picked.
const here = `instance=~"$instance"`

// each sums series of each run: two supervisors may have one of the same name.
func each(expr string) string { return fmt.Sprintf("sum by (instance, run) (%s)", expr) }

func (s *sheet) all() {
	s.row("Runs")
	s.WithPanel(s.now("Supervisors", "Supervisors that are there.", "short",
		query{`count(troupe_build_info{` + here + `})`, ""}))
	s.WithPanel(s.now("Running", "Runs that go on, and are not paused.", "short",
		query{`sum(troupe_run_state{` + here + `,state="running"})`, ""}))
	s.WithPanel(s.now("Queued", "Runs that wait to be played.", "short",
		query{`sum(troupe_runs_queued{` + here + `})`, ""}))
	s.WithPanel(s.now("Failed", "Runs that ended with an error.", "short",
		query{`sum(troupe_run_state{` + here + `,state="failed"})`, ""}))
	s.WithPanel(s.now("Agents", "Agents alive in all runs.", "short",
		query{`sum(troupe_agents{` + here + `})`, ""}))
	s.WithPanel(s.now("Spent", "What models cost in all runs that are shown, as it is on record.", "currencyUSD",
		query{`sum(troupe_run_cost_usd{` + here + `})`, ""}).Decimals(2))
	s.WithPanel(s.list("Runs", "All runs that are shown, and where they stand.", "none",
		query{`max by (instance, run, state, scenario, seed, clock, isolation) (` +
			`(troupe_run_state{` + here + `} == 1) * on (instance, job, run) group_left (scenario, seed, clock, isolation) troupe_run_info)`, "{{run}}"}))
	s.WithPanel(s.list("Walls", "Of each wall that a run could have whether it stands: 0 for one that does not.", "none",
		query{`min by (instance, run, tier) (troupe_run_walls{` + here + `})`, "{{run}} {{instance}} {{tier}}"}))
}

func (s *sheet) load() {
	s.row("Load")
	s.WithPanel(s.graph("Ticks per second", "Of all runs: the fastest.", "ops",
		query{top(each(`rate(troupe_ticks_total{` + here + `}[$__rate_interval])`)), "{{run}} {{instance}}"}))
	s.WithPanel(s.graph("Failures per second", "Turns that ended with a failure: the runs with the most.", "ops",
		query{top(each(`rate(troupe_failures_total{` + here + `}[$__rate_interval])`)), "{{run}} {{instance}}"}))
	s.WithPanel(s.graph("Memory", "Resident memory of a run's agents, and of the supervisor: the most.", "bytes",
		query{top(each(`troupe_process_memory_bytes{` + here + `}`)), "{{run}} {{instance}}"},
		query{`process_resident_memory_bytes{` + here + `} * on (instance, job) group_left () troupe_build_info`, "supervisor {{instance}}"}))
	s.WithPanel(s.graph("Processor", "Processors that a run's agents, and the supervisor, keep busy: the most.", "short",
		query{top(each(`rate(troupe_process_cpu_seconds_total{` + here + `}[$__rate_interval])`)), "{{run}} {{instance}}"},
		query{`rate(process_cpu_seconds_total{` + here + `}[$__rate_interval]) * on (instance, job) group_left () troupe_build_info`, "supervisor {{instance}}"}))
	s.WithPanel(s.graph("Free on the disk", "Of the file system of each data directory.", "percentunit",
		query{`troupe_data_free_bytes{` + here + `} / troupe_data_size_bytes{` + here + `}`, "{{instance}}"}))
	s.WithPanel(s.graph("Slow consumers", "Connections to the bus that were cut off since they did not read.", "short",
		query{`troupe_bus_slow_consumers_total{` + here + `}`, "{{instance}}"}))
}
