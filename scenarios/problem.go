package scenarios

// A Position is a place in a scenario file; lines and columns count from 1,
// columns in bytes. The zero Position is the file as a whole.
type Position struct {
	Line, Column int
}

// A Problem is one thing wrong with a scenario: what happened, where, and what
// would be right.
type Problem struct {
	File string
	Position
	Message string
	Hint    string // may be empty
	Line0   string // the offending line, without its newline
}
