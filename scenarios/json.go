package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// JSON encodes a value of a scenario, such as a config, in the one form that
// is hashed: compact, keys sorted by their bytes, nothing escaped for HTML,
// integers with all their digits. A mapping that was never set is {}.
func JSON(v any) (json.RawMessage, error) {
	if m, ok := v.(map[string]any); ok && m == nil {
		v = map[string]any{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("cannot encode as JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
