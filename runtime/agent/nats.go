package agent

// nats is a program on the bus, in any language and wherever it runs. What it is
// told and what it answers are the lines of the protocol, a message each.
var nats = Kind{
	Name:    "nats",
	Keys:    []string{"command", "files", "env", "readable", "network", "serves", "shared", "secrets", "workspace", "limits", "limits.turns"},
	Bus:     true,
	States:  []string{"reobserve", "snapshot", "none"},
	Dialect: func(*Brief) Dialect { return stdioDialect{} },
}
