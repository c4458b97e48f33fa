package agent

// recorded answers what the agent of the same id answered in an earlier run, at
// the same tick. There is no process, and the dialect is nobody's.
var recorded = Kind{
	Name:     "recorded",
	Keys:     []string{"run"},
	Recorded: true,
	States:   []string{"none"},
	Dialect:  func(*Brief) Dialect { return stdioDialect{} },
}
