package agent

import "time"

// human is a person, who is asked through the API, the page or troupe play. There
// is no process, and the dialect is nobody's: what a person has seen, no run can
// take back, so that there is nothing to be told again.
var human = Kind{
	Name:     "human",
	Keys:     []string{"limits", "limits.turns"},
	Human:    true,
	States:   []string{"none"},
	Deadline: 5 * time.Minute,
	Attempts: 10, // a slip of the finger is no move
	Dialect:  func(*Brief) Dialect { return stdioDialect{} },
}
