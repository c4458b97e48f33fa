package agent

import (
	"encoding/json"
	"maps"
	"slices"
)

// OwnServer is what every tool knows the run's own MCP server by.
const OwnServer = "troupe"

// An MCPServer is a server of the Model Context Protocol that a tool is told of: a
// command that it starts, or a URL. Words of the command and values of the
// environment may begin with "{program}/" in a plan.
type MCPServer struct {
	Command []string          `json:"command,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
	URL     string            `json:"url,omitempty"`
	Type    string            `json:"type,omitempty"` // of a URL: http or sse
	Headers map[string]string `json:"headers,omitempty"`
}

// Servers are those that an entry names, with files in place, and the run's own,
// which troupe starts: a tool tells each of them by its name.
func (o *ModelOptions) Servers(troupe string, place func(word string) string) map[string]MCPServer {
	all := make(map[string]MCPServer, len(o.MCP)+1)
	for name, s := range o.MCP {
		s.Command = slices.Clone(s.Command)
		for i, word := range s.Command {
			s.Command[i] = place(word)
		}
		s.Env = maps.Clone(s.Env)
		for key, value := range s.Env {
			s.Env[key] = place(value)
		}
		all[name] = s
	}
	all[OwnServer] = MCPServer{Command: []string{troupe, "mcp"}}
	return all
}

// Names of the files that a tool is configured by.
const (
	ServersFile  = "mcp.json"
	SettingsFile = "settings.json"
)

// serversText is the form of a file of servers that many tools read. The run's own is
// marked as one whose tools are shown to the model at once, not when it looks for
// them, and which its first message waits for.
func serversText(all map[string]MCPServer) string {
	type server struct {
		Type       string            `json:"type"`
		Command    string            `json:"command,omitempty"`
		Args       []string          `json:"args,omitempty"`
		Env        map[string]string `json:"env,omitempty"`
		URL        string            `json:"url,omitempty"`
		Headers    map[string]string `json:"headers,omitempty"`
		AlwaysLoad bool              `json:"alwaysLoad,omitempty"`
	}
	file := struct {
		Servers map[string]server `json:"mcpServers"`
	}{map[string]server{}}
	for name, s := range all {
		out := server{Type: s.Type, Env: s.Env, URL: s.URL, Headers: s.Headers, AlwaysLoad: name == OwnServer}
		if len(s.Command) > 0 {
			out.Type, out.Command, out.Args = "stdio", s.Command[0], s.Command[1:]
		}
		file.Servers[name] = out
	}
	text, _ := json.Marshal(file) // strings alone
	return string(text) + "\n"
}
