package main

// agents builds the dashboard of one run's agents: what they do, how they fail, and
// what their processes take.
func agents() ([]byte, error) {
	s := newSheet("Agents", "troupe-agents", "The agents of one run: what they do, how they fail, and what their processes take.")
	s.ofRun()
	s.ofMany("entry", "Entry", `troupe_turns_total{`+thisRun+`}`)
	s.turns()
	s.trouble()
	s.processes()
	return s.json()
}

// entries picks series of the entries that the reader picked.
const entries = `entry=~"$entry"`

func (s *sheet) turns() {
	s.row("Turns")
	s.WithPanel(stacked(s.graph("Agents by state", "Agents alive, by the state of their process.", "short",
		query{`troupe_agents{` + thisRun + `}`, "{{state}}"})))
	s.WithPanel(s.graph("Turns per second", "Turns that ended, by the agent's entry: the most.", "ops",
		query{top(rateOf("troupe_turns_total", entries, "entry")), "{{entry}}"}))
	s.WithPanel(s.graph("Action latency", "From the observe to the answer, by the agent's kind.", "s",
		quantiles("troupe_action_latency_seconds", "kind")...))
	s.WithPanel(s.graph("Share of failures", "Turns that ended with a failure, of all of an entry's: the most.", "percentunit",
		query{top(`sum by (entry) (increase(troupe_failures_total{` + picked(entries) + `}[$__rate_interval])) / ` +
			`(sum by (entry) (increase(troupe_turns_total{` + picked(entries) + `}[$__rate_interval])) > 0)`), "{{entry}}"}))
}

func (s *sheet) trouble() {
	s.row("Trouble")
	s.WithPanel(s.graph("Failures per second", "Turns that ended with a failure, by the agent's entry: the most frequent.", "ops",
		query{top(rateOf("troupe_failures_total", entries, "entry, type")), "{{entry}} {{type}}"}))
	s.WithPanel(s.graph("Restarts", "Starts of a process after its first one, unless it had been parked: the processes with the most.", "short",
		query{top(`troupe_restarts_total{` + thisRun + `}`), "{{process}}"}))
	s.WithPanel(s.graph("Survivors killed", "Processes that had to be killed since what started them had ended: by what did, the most.", "short",
		query{top(`troupe_survivors_killed_total{` + thisRun + `}`), "{{process}}"}))
	s.WithPanel(s.graph("Use of limits", "What a process takes of a limit that it has, 1 for all of it: the nearest to theirs.", "percentunit",
		query{top(`troupe_limit_used_ratio{` + thisRun + `}`), "{{process}} {{limit}}"}))
}

func (s *sheet) processes() {
	s.row("Processes")
	s.WithPanel(s.graph("Memory", "Resident memory of a process with its descendants: the largest.", "bytes",
		query{top(`troupe_process_memory_bytes{` + thisRun + `}`), "{{process}}"}))
	s.WithPanel(s.graph("Processor", "Processors that a process with its descendants keeps busy: the most.", "short",
		query{top(rate("troupe_process_cpu_seconds_total", "process")), "{{process}}"}))
	s.WithPanel(s.graph("Descriptors", "Descriptors that a process and its descendants have open: the most. Nothing is shown of more than 1,000 processes.", "short",
		query{top(`troupe_process_open_fds{` + thisRun + `}`), "{{process}}"}))
	s.WithPanel(s.graph("Processes of the system", "A process and its descendants: the most.", "short",
		query{top(`troupe_process_pids{` + thisRun + `}`), "{{process}}"}))
}
