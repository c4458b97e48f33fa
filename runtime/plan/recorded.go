package plan

// recorded is the run that an agent's answers come from.
func (m *maker) recorded(v *variant) string {
	if m.plan.Clock.Mode == Realtime {
		v.problem(".kind", "an agent of kind recorded answers tick by tick, and the realtime clock asks when something arrives", "use clock: {mode: lockstep}")
	}
	run := or(v.entry.Run, m.run)
	if run == "" {
		v.problem("", "an agent of kind recorded needs a run to have its answers from", "add run: RUN, with the name of one that has agents of the same ids")
	}
	return run
}

// Runs are the runs whose records answer for agents of the plan, in its order.
func (p *Plan) Runs() []string {
	var names []string
	seen := map[string]bool{}
	for i := range p.Entries {
		if run := p.Entries[i].Run; run != "" && !seen[run] {
			seen[run] = true
			names = append(names, run)
		}
	}
	return names
}
