package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// settings are those of an entry's tool, as JSON; nil for none.
func (m *maker) settings(v *variant) json.RawMessage {
	if len(v.entry.Settings) == 0 {
		return nil
	}
	text, err := canonical(v.entry.Settings)
	if err != nil {
		v.problem(".settings", "cannot write settings as JSON: "+err.Error(), "")
	}
	return text
}

// servers resolves those that an entry names: their commands are like those of
// agents, and files that they name are the program's.
func (m *maker) servers(v *variant, r *resolver) map[string]agent.MCPServer {
	if len(v.entry.MCP) == 0 {
		return nil
	}
	all := map[string]agent.MCPServer{}
	for _, name := range slices.Sorted(maps.Keys(v.entry.MCP)) {
		s := v.entry.MCP[name]
		all[name] = m.server(v, name, &s, r)
	}
	return all
}

func (m *maker) server(v *variant, name string, s *scenarios.MCPServer, r *resolver) agent.MCPServer {
	out := agent.MCPServer{Env: s.Env, URL: s.URL, Headers: s.Headers, Type: s.Type}
	at := ".mcp." + name
	own := newResolver(m.find, func(word, message, hint string) {
		v.problem(at+serverWord(word), message, hint)
	})
	own.files, own.readable = r.files, r.readable
	own.checkEnv(s.Env)
	switch {
	case s.URL != "":
		out.Type = or(s.Type, "http")
	case s.Command == "troupe":
		own.wrong(".command", "troupe is the server that every agent has anyway", "leave it out")
	case s.Command != "":
		out.Command = own.command(append([]string{s.Command}, s.Args...))
	}
	return out
}

// serverWord is where something of a server stands that would be at a place of an
// agent: of a command's words the first is the command, the others are args.
func serverWord(at string) string {
	var i int
	if _, err := fmt.Sscanf(at, ".command[%d]", &i); err != nil {
		return at
	}
	if i == 0 {
		return ".command"
	}
	return fmt.Sprintf(".args[%d]", i-1)
}
