package agent

// exec is a program that is started for every turn: one observe line that
// carries what init would have told it, then the end of stdin.
var exec = Kind{
	Name:         "exec",
	Keys:         []string{"command", "files", "env", "readable", "network", "shared", "secrets", "workspace", "limits", "limits.turns", "limits.usd", "gateway"},
	NeedsCommand: true,
	PerTurn:      true,
	States:       []string{"none"},
	Dialect:      func(*Brief) Dialect { return execDialect{} },
}

type execDialect struct{}

func (execDialect) Init(dst []byte, _ Init) []byte { return dst }

func (execDialect) Observe(dst []byte, o *Observe) []byte { return AppendTurn(dst, o) }

// Stop says nothing: stdin has ended already.
func (execDialect) Stop(dst []byte, _, _ string) []byte { return dst }

func (execDialect) Decode(line []byte) (Line, error) { return Decode(line) }
