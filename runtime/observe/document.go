package observe

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"go.yaml.in/yaml/v4"
)

// documentText describes the API: every route, what it takes and what it answers.
//
//go:embed openapi.yaml
var documentText []byte

// document is documentText as JSON, made at the first request.
var document = sync.OnceValues(func() ([]byte, error) {
	var tree any
	if err := yaml.Unmarshal(documentText, &tree); err != nil {
		return nil, fmt.Errorf("cannot read the API's description: %w", err)
	}
	return json.Marshal(tree)
})

func serveDocument(w http.ResponseWriter, _ *http.Request) {
	text, err := document()
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}
