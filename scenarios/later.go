package scenarios

// later says what the keys and values will be that the schema keeps for
// versions to come. They are refused until they work: a key that is accepted
// and ignored would promise what nobody holds. Keys stand as Owner.key, values
// as key=value, keys of a mapping as key.inner.
var later = map[string]string{
	"Scenario.secrets": "credentials by reference",
	"Scenario.shared":  "a tree of files that all agents share",
	"Scenario.limits":  "bounds of the run on time, money and memory",
	"Scenario.gateway": "the model gateway",
	"Scenario.faults":  "faults put in on purpose",

	"Entry.lifecycle": "parking idle processes",
	"Entry.limits":    "bounds of an agent on memory, turns and money",
	"Entry.workspace": "templates of an agent's directory",
	"Entry.secrets":   "credentials by reference",
	"Entry.network":   "hosts that an agent may reach",
	"Entry.mcp":       "tool servers of an agent",
	"Entry.settings":  "settings of the agent's own command line tool",

	"mode=realtime":      "a clock without ticks",
	"isolation=auto":     "the strongest walls that the machine gives",
	"isolation=strict":   "a run that refuses to start without walls",
	"durability=machine": "records that outlive a power cut",
	"state=snapshot":     "agents that save and restore a state of their own",
	"state=session":      "agents that continue their own session",

	"type=limit":        "the failure of an agent that passed its limits",
	"type=budget":       "the failure of a run whose money is spent",
	"type=rate_limited": "the failure of a model that wants fewer requests",
	"type=refused":      "the failure of an agent or model that declines",

	"on_failure.limit":        "the failure of an agent that passed its limits",
	"on_failure.budget":       "the failure of a run whose money is spent",
	"on_failure.rate_limited": "the failure of a model that wants fewer requests",
	"on_failure.refused":      "the failure of an agent or model that declines",
}
