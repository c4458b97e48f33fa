package agent

// stdio is a program that speaks the protocol itself, for as long as it lives.
var stdio = Kind{
	Name:         "stdio",
	Keys:         []string{"command", "files", "env", "readable", "network", "serves", "shared", "secrets", "workspace", "per_process", "pin", "limits", "limits.turns", "limits.usd", "gateway"},
	NeedsCommand: true,
	States:       []string{"reobserve", "snapshot", "none"},
	Dialect:      func(*Brief) Dialect { return stdioDialect{} },
}

type stdioDialect struct{}

func (stdioDialect) Init(dst []byte, in Init) []byte       { return AppendInit(dst, in) }
func (stdioDialect) Observe(dst []byte, o *Observe) []byte { return AppendObserve(dst, o) }
func (stdioDialect) Stop(dst []byte, agent, reason string) []byte {
	return AppendStop(dst, agent, reason)
}

// Snapshot asks an agent for its state.
func (stdioDialect) Snapshot(dst []byte, agent string) []byte { return AppendSnapshot(dst, agent) }

func (stdioDialect) Decode(line []byte) (Line, error) { return Decode(line) }
