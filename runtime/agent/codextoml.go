package agent

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A field is one of an object.
type field struct {
	name  string
	value any
}

// fieldsOf are the fields of a JSON object, sorted by name; none of anything else.
func fieldsOf(text string) (all []field) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if d.Decode(&object) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		all = append(all, field{name, object[name]})
	}
	return all
}

// codexServers are the servers in a file of serversText, as the tool's settings have
// them.
func codexServers(text string) []field {
	var file struct {
		Servers map[string]codexServer `json:"mcpServers"`
	}
	if json.Unmarshal([]byte(text), &file) != nil {
		return nil
	}
	var all []field
	for _, name := range slices.Sorted(maps.Keys(file.Servers)) {
		s := file.Servers[name]
		server := s.settings()
		if name == OwnServer {
			server["required"] = true // no turn begins without it
		}
		all = append(all, field{name, server})
	}
	return all
}

// A codexServer is one of them in that file.
type codexServer struct {
	Command string
	Args    []any
	Env     map[string]string
	URL     string
	Headers map[string]string
}

// inherited is a value that is a variable's of the tool's environment: as it is, or as
// a bearer token. The tool is told its name, so that it is in no word of a command.
var inherited = regexp.MustCompile(`^(Bearer )?\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// settings are the server as the tool's have it. One that the tool starts gets what
// the run's own tells agents, of which the tool passes none on by itself.
func (s *codexServer) settings() map[string]any {
	if s.Command == "" {
		out := map[string]any{"url": s.URL}
		plain, named := map[string]any{}, map[string]any{}
		for name, value := range s.Headers {
			switch m := inherited.FindStringSubmatch(value); {
			case m == nil, m[1] != "" && !strings.EqualFold(name, "Authorization"):
				plain[name] = value
			case m[1] != "":
				out["bearer_token_env_var"] = m[2]
			default:
				named[name] = m[2]
			}
		}
		set(out, "http_headers", plain)
		set(out, "env_http_headers", named)
		return out
	}
	passed := []any{"TROUPE_RUN", "TROUPE_AGENT", "TROUPE_SOCKET", "TROUPE_SHARED", "TMPDIR"}
	env := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		if value := s.Env[name]; value == "${"+name+"}" {
			passed = append(passed, name)
		} else {
			env[name] = value
		}
	}
	out := map[string]any{"command": s.Command, "args": s.Args, "env_vars": passed}
	set(out, "env", env)
	return out
}

// set gives an object another one, unless that is empty.
func set(object map[string]any, name string, value map[string]any) {
	if len(value) > 0 {
		object[name] = value
	}
}

// tomlString is a string as the tool's settings have it.
func tomlString(s string) string {
	return strings.ReplaceAll(string(AppendString(nil, s)), "\x7f", `\u007f`)
}

// tomlValue is what JSON stands for, in the form of settings. Nothing stands for null:
// it is left out of objects and lists.
func tomlValue(v any) string {
	var parts []string
	switch v := v.(type) {
	case string:
		return tomlString(v)
	case bool:
		if v {
			return "true"
		}
		return "false"
	case json.Number:
		return v.String()
	case []any:
		for _, x := range v {
			if x != nil {
				parts = append(parts, tomlValue(x))
			}
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if v[name] != nil {
				parts = append(parts, tomlString(name)+" = "+tomlValue(v[name]))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return `""`
}
