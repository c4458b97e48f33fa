package scenarios

// A Source remembers where each value of a scenario stands in its file.
type Source struct {
	File  string // as the user named it
	Dir   string // absolute; what relative paths in the scenario start from
	lines []string
	at    map[string]Position // by path: agents[2].command[1]
}
