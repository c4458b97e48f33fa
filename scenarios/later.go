package scenarios

// later says what the keys and values will be that the schema keeps for
// versions to come. They are refused until they work: a key that is accepted
// and ignored would promise what nobody holds. Keys stand as Owner.key, values
// as key=value, keys of a mapping as key.inner.
var later = map[string]string{
	"Entry.mcp":      "tool servers of an agent",
	"Entry.settings": "settings of the agent's own command line tool",
}
