package agent

import (
	"encoding/json"
	"maps"
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
// them. Those that it starts get what the run's own tells agents, of which it passes
// none on by itself.
func codexServers(text string) []field {
	var file struct {
		Servers map[string]struct {
			Command string
			Args    []any
			Env     map[string]any
			URL     string
			Headers map[string]any
		} `json:"mcpServers"`
	}
	if json.Unmarshal([]byte(text), &file) != nil {
		return nil
	}
	var all []field
	for _, name := range slices.Sorted(maps.Keys(file.Servers)) {
		s := file.Servers[name]
		server := map[string]any{"url": s.URL}
		if s.Command != "" {
			server = map[string]any{
				"command": s.Command, "args": s.Args,
				"env_vars": []any{"TROUPE_RUN", "TROUPE_AGENT", "TROUPE_SOCKET", "TROUPE_SHARED", "TMPDIR"},
			}
		}
		if len(s.Env) > 0 {
			server["env"] = s.Env
		}
		if len(s.Headers) > 0 {
			server["http_headers"] = s.Headers
		}
		if name == OwnServer {
			server["required"] = true // no turn begins without it
		}
		all = append(all, field{name, server})
	}
	return all
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
