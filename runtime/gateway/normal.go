package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// volatile are the keys of requests that say who asks and not what: they differ
// between a run and its re-execution.
var volatile = []string{"metadata", "user", "prompt_cache_key", "safety_identifier", "client_metadata"}

// A Normaliser makes requests comparable between runs: paths of the agent's own
// directories become names, keys that say who asks go, and those of objects are
// sorted.
type Normaliser struct{ places *strings.Replacer }

// NewNormaliser makes one for an agent, whose directories it is told by name.
func NewNormaliser(dirs map[string]string) *Normaliser {
	names := make([]string, 0, len(dirs))
	for name := range dirs {
		names = append(names, name)
	}
	// Of two directories one of which is in the other the longer counts; where a
	// replacer has several that match, it takes the first.
	slices.SortFunc(names, func(a, b string) int { return len(dirs[b]) - len(dirs[a]) })
	var pairs []string
	for _, name := range names {
		if dirs[name] != "" {
			pairs = append(pairs, dirs[name], "{"+name+"}")
		}
	}
	return &Normaliser{strings.NewReplacer(pairs...)}
}

// Normal is a request's normalised body; what is no JSON object stays as it is,
// but for the paths.
func (n *Normaliser) Normal(body []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v map[string]any
	if dec.Decode(&v) != nil || dec.More() {
		return []byte(n.places.Replace(string(body)))
	}
	for _, key := range volatile {
		delete(v, key)
	}
	// The Responses API lets clients name the items of a conversation; calls of tools
	// have another id, which is the model's.
	input, _ := v["input"].([]any)
	for _, item := range input {
		if item, ok := item.(map[string]any); ok {
			delete(item, "id")
		}
	}
	out, err := json.Marshal(n.value(v))
	if err != nil { // it was JSON
		panic(err)
	}
	return out
}

func (n *Normaliser) value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			v[key] = n.value(x)
		}
	case []any:
		for i, x := range v {
			v[i] = n.value(x)
		}
	case string:
		return n.places.Replace(v)
	}
	return v
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
