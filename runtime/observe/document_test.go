package observe

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A description is the API as openapi.yaml has it, for tests.
type description struct {
	tree     map[string]any
	compiler *jsonschema.Compiler
	mu       sync.Mutex
	schemas  map[string]*jsonschema.Schema // by pointer
}

var described = sync.OnceValues(func() (*description, error) {
	text, err := document()
	if err != nil {
		return nil, err
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	d := &description{tree: tree.(map[string]any), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource("openapi.json", tree)
})

// at is the object at a pointer, and where it is if that leads on; nil for none.
func (d *description) at(path ...string) (object map[string]any, pointer string) {
	var here any = d.tree
	for i, p := range path {
		m, _ := here.(map[string]any)
		if ref, ok := m["$ref"].(string); ok {
			return d.at(append(strings.Split(strings.TrimPrefix(ref, "#/"), "/"), path[i:]...)...)
		}
		here = m[p]
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p)
	}
	object, _ = here.(map[string]any)
	if ref, ok := object["$ref"].(string); ok {
		return d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return object, pointer
}

// schema is the one at a pointer.
func (d *description) schema(pointer string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.schemas[pointer]
	if s == nil {
		var err error
		if s, err = d.compiler.Compile("openapi.json#" + pointer); err != nil {
			return nil, err
		}
		d.schemas[pointer] = s
	}
	return s, nil
}

// The document is as OpenAPI 3.1 has it, and each of its schemas one.
func TestDocument(t *testing.T) {
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	meta, err := os.Open("testdata/openapi-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = meta.Close() }()
	doc, err := jsonschema.UnmarshalJSON(meta)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("meta.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("meta.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(d.tree); err != nil {
		t.Errorf("%#v", err)
	}
	d.schemasBelow(t, d.tree, "")
	h, _ := open(t)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	at.is(t, "GET /v1/openapi.json", 200, `"openapi":"3.1.0"`, "Content-Type: application/json")
}

// schemasBelow compiles all there are, and follows all that is referred to.
func (d *description) schemasBelow(t *testing.T, here any, pointer string) {
	switch here := here.(type) {
	case []any:
		for i, x := range here {
			d.schemasBelow(t, x, pointer+"/"+strconv.Itoa(i))
		}
	case map[string]any:
		if ref, ok := here["$ref"].(string); ok {
			if to, _ := d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...); to == nil {
				t.Errorf("%s refers to %s, which is not there", pointer, ref)
			}
		}
		for name, x := range here {
			below := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
			if name == "schema" || pointer == "/components/schemas" {
				if _, err := d.schema(below); err != nil {
					t.Error(err)
				}
			}
			d.schemasBelow(t, x, below)
		}
	}
}

// elsewhere are the routes that are described and that a Store does not serve.
var elsewhere = []string{
	"GET /",
}

// operations are the document's, as "GET /path".
func (d *description) operations() map[string]map[string]any {
	all := map[string]map[string]any{}
	paths, _ := d.at("paths")
	for path := range paths {
		item, _ := d.at("paths", path)
		for _, method := range methods {
			if op, ok := item[strings.ToLower(method)].(map[string]any); ok {
				all[method+" "+path] = op
			}
		}
	}
	return all
}

// pathOf is how the document writes a pattern of the mux.
func pathOf(pattern string) string {
	return strings.NewReplacer("...}", "}", "{$}", "").Replace(pattern)
}

// Every route is described, and every one that is described is there.
func TestDocumentHasAllRoutes(t *testing.T) {
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	h, _ := open(t)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	told, names := d.operations(), map[string]bool{}
	for what, op := range told {
		name, _ := op["operationId"].(string)
		if name == "" || names[name] || op["summary"] == "" {
			t.Errorf("%s has no name of its own, or no summary", what)
		}
		names[name] = true
	}
	for pattern := range at.routes.table {
		what := pathOf(pattern)
		if told[what] == nil {
			t.Errorf("%s is served and not described", what)
		}
		if slices.Contains(elsewhere, what) {
			t.Errorf("%s is served: it is not elsewhere", what)
		}
		delete(told, what)
	}
	for what := range told {
		if !slices.Contains(elsewhere, what) {
			t.Errorf("%s is described and not served", what)
		}
	}
}

// conforms checks an answer to a request of a pattern against the document. Body is
// the answer's; nil for one that is a stream.
func (d *description) conforms(t testing.TB, pattern string, res *http.Response, body []byte) {
	t.Helper()
	method, path, _ := strings.Cut(pathOf(pattern), " ")
	code := strconv.Itoa(res.StatusCode)
	fail := func(format string, v ...any) {
		t.Helper()
		t.Errorf("%s answers %s %v\n%.600s\nwhich is not as described: "+format, append([]any{pattern, code, res.Header, body}, v...)...)
	}
	answer, pointer := d.at("paths", path, strings.ToLower(method), "responses", code)
	if answer == nil {
		answer, pointer = d.at("paths", path, strings.ToLower(method), "responses", "default")
	}
	if answer == nil {
		fail("no such answer")
		return
	}
	for name, h := range object(answer["headers"]) {
		if said := res.Header.Get(name); said == "" && object(h)["required"] == true {
			fail("there is no %s", name)
		}
	}
	content := object(answer["content"])
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	media, listed := content[kind].(map[string]any)
	if !listed {
		media, listed = content["*/*"].(map[string]any)
	}
	switch {
	case len(content) == 0:
		if len(body) > 0 {
			fail("it has a body")
		}
		return
	case !listed:
		fail("its type")
		return
	case media["schema"] == nil || !strings.HasSuffix(kind, "json") || res.Request.Method == http.MethodHead:
		return
	}
	s, err := d.schema(pointer + "/content/" + strings.ReplaceAll(kind, "/", "~1") + "/schema")
	if err != nil {
		t.Error(err)
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = s.Validate(value)
	}
	if err != nil {
		fail("%v", err)
	}
}

func object(x any) map[string]any {
	m, _ := x.(map[string]any)
	return m
}

// A checkedTransport looks at all answers that are no streams.
type checkedTransport struct {
	t      testing.TB
	routes *routes
	http.RoundTripper
}

func (c checkedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := c.RoundTripper.RoundTrip(req)
	if err != nil {
		return res, err
	}
	var body []byte
	if strings.HasSuffix(res.Header.Get("Content-Type"), "json") {
		if body, err = io.ReadAll(res.Body); err != nil {
			return nil, err
		}
		_ = res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(body))
	}
	c.routes.check(c.t, req, res, body)
	return res, nil
}

// check looks at an answer to a request.
func (t *routes) check(tt testing.TB, req *http.Request, res *http.Response, body []byte) {
	tt.Helper()
	d, err := described()
	if err != nil {
		tt.Fatal(err)
	}
	if _, known := t.of(req); known {
		_, pattern := t.mux.Handler(req)
		d.conforms(tt, pattern, res, body)
		return
	}
	if res.StatusCode < 400 || res.Header.Get("Content-Type") != problemType || !json.Valid(body) {
		tt.Errorf("%s %s is no route and answers %s %v\n%s", req.Method, req.URL, res.Status, res.Header, body)
	}
}
