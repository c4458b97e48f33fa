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
type Normaliser struct {
	dirs   []string
	places *strings.Replacer
}

// NewNormaliser makes one for an agent, whose directories it is told by name.
func NewNormaliser(dirs map[string]string) *Normaliser {
	names := make([]string, 0, len(dirs))
	for name := range dirs {
		names = append(names, name)
	}
	// Of two directories one of which is in the other the longer counts; where a
	// replacer has several that match, it takes the first.
	slices.SortFunc(names, func(a, b string) int { return len(dirs[b]) - len(dirs[a]) })
	n := &Normaliser{}
	var pairs []string
	for _, name := range names {
		if dirs[name] != "" {
			n.dirs = append(n.dirs, dirs[name])
			pairs = append(pairs, dirs[name], "{"+name+"}")
		}
	}
	n.places = strings.NewReplacer(pairs...)
	return n
}

// placeless is a text without the directories. Most texts name none: to look for
// each by itself is many times faster than the replacer's own search.
func (n *Normaliser) placeless(text string) string {
	for _, dir := range n.dirs {
		if strings.Contains(text, dir) {
			return n.places.Replace(text)
		}
	}
	return text
}

// Normal is a request's normalised body; what is no JSON object stays as it is,
// but for the paths.
func (n *Normaliser) Normal(body []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v map[string]any
	if dec.Decode(&v) != nil || dec.More() {
		return []byte(n.placeless(string(body)))
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
		return n.placeless(v)
	}
	return v
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
