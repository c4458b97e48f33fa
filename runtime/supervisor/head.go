package supervisor

import "regexp"

// headName finds the agent that a protocol line names near its beginning.
var headName = regexp.MustCompile(`^\s*\{[^{}\[\]]*"agent"\s*:\s*"([A-Za-z0-9_-]+)"`)

// headAgent tells whose an over-long line was from its head, or nothing.
func headAgent(head []byte) string {
	if m := headName.FindSubmatch(head); m != nil {
		return string(m[1])
	}
	return ""
}
