package observe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/record"
)

// odd are texts that have surprised programs, and those that mean something here.
var odd = []string{
	"", "r", "live", "cut", "ann", "bob", "none", "0", "1", "-1", "7", "9007199254740992", "9007199254740993", "1e9", "1.5", "true", "false", "yes", "id", "failures",
	"..", ".", "../..", "a/b", "/", "//", "%2e%2e", "%00", "%zz", "\x00", "\r\nX: y", " ", "a b", "é", "\xff", "*", "{run}", "$x", "'\"<>", "NaN",
	"null", "[]", "{}", "30s", "-30s", "5:3", "x:y", strings.Repeat("x", 300), strings.Repeat("9", 40),
}

// A maker makes requests of what the document says.
type maker struct {
	*rand.Rand
	d *description
}

func pick[T any](m *maker, list []T) T { return list[m.IntN(len(list))] }

// value makes a value that a schema describes, or another one.
func (m *maker) value(schema any, depth int) any {
	s := object(schema)
	if ref, ok := s["$ref"].(string); ok {
		s, _ = m.d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	if m.IntN(12) == 0 || depth > 4 {
		return pick(m, []any{nil, true, -1, 1e300, "", pick(m, odd), []any{}, map[string]any{}, []any{map[string]any{"a": nil}}})
	}
	if list, ok := s["enum"].([]any); ok {
		return pick(m, list)
	}
	switch s["type"] {
	case "object":
		return m.object(s, depth)
	case "array":
		list := []any{}
		for range m.IntN(4) {
			list = append(list, m.value(s["items"], depth+1))
		}
		return list
	case "integer":
		return pick(m, []any{0, 1, 7, -1, 1 << 53, 1.5, 1e20})
	case "number":
		return pick(m, []any{0, 0.5, 20, -1, 1e308})
	case "boolean":
		return m.IntN(2) == 0
	}
	return pick(m, odd)
}

func (m *maker) object(s map[string]any, depth int) map[string]any {
	all := map[string]any{}
	required, _ := s["required"].([]any)
	for name, of := range object(s["properties"]) {
		if m.IntN(2) == 0 || slices.Contains(required, any(name)) && m.IntN(10) > 0 {
			all[name] = m.value(of, depth+1)
		}
	}
	if m.IntN(8) == 0 {
		all[pick(m, odd)] = pick(m, odd)
	}
	return all
}

// request makes one of an operation.
func (m *maker) request(what string, op map[string]any) *http.Request {
	method, path, _ := strings.Cut(what, " ")
	item, _ := m.d.at("paths", path)
	shared, _ := item["parameters"].([]any)
	own, _ := op["parameters"].([]any)
	query, header := url.Values{}, http.Header{}
	for _, p := range append(slices.Clone(shared), own...) {
		x := object(p)
		if ref, ok := x["$ref"].(string); ok {
			x, _ = m.d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
		name := x["name"].(string)
		text := fmt.Sprint(m.value(x["schema"], 0))
		switch x["in"] {
		case "path":
			usual := map[string]string{"run": "r", "agent": "ann", "tick": "1"}[name]
			if usual == "" || m.IntN(3) == 0 {
				usual = pick(m, odd)
			}
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(usual))
		case "query":
			if m.IntN(2) == 0 {
				query.Set(name, text)
			}
		case "header":
			if m.IntN(2) == 0 {
				header.Set(name, strings.Map(func(r rune) rune {
					if r < ' ' || r > '~' {
						return -1
					}
					return r
				}, text))
			}
		}
	}
	delete(query, "follow") // which goes on until the run is over
	var body []byte
	if content := object(object(op["requestBody"])["content"]); content != nil {
		body, _ = json.Marshal(m.value(object(content["application/json"])["schema"], 0))
		if m.IntN(6) == 0 {
			body = body[:m.IntN(len(body)+1)]
		}
	}
	if m.IntN(10) == 0 {
		header.Set("Accept", pick(m, []string{"text/event-stream", "*/*", "application/json", "x"}))
	}
	target := path
	if text := query.Encode(); text != "" {
		target += "?" + text
	}
	if m.IntN(20) == 0 {
		target += pick(m, []string{"?%zz", "?a=%", "&&", "#x", "?from=1&from=2"})
	}
	r, err := http.NewRequest(method, "http://troupe"+target, bytes.NewReader(body))
	if err != nil {
		return nil // no client could send it
	}
	r.Header, r.RequestURI = header, target
	return r
}

// endless are operations that answer only once a run is over, or a turn is there.
var endless = []string{"GET /v1/runs/{run}/frames", "GET /v1/runs/{run}/agents/{agent}/chat", "GET /v1/runs/{run}/agents/{agent}/turn"}

// tormented is an API over a run that is over, one that is not, and one that is
// played.
func tormented(t testing.TB) *routes {
	h, _ := open(t)
	for _, name := range []string{"r", "cut", "live"} {
		h.runOf(name, village(), 0, name == "live")
		for _, r := range lived() {
			h.commit(name, r)
		}
	}
	h.commit("r", &record.Record{Tick: 3, End: record.EndDone})
	m, _ := measured(market())
	p := Public{Runs: &Store{Data: h.data, Bus: h.bus, Live: h.live}, Metrics: m, Unready: func() string { return "" }}
	return p.routes()
}

// torment makes requests of a seed, and checks that none ends in an error of ours
// and that all answers are as described.
func torment(t *testing.T, api *routes, seed uint64, requests int) {
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{rand.New(rand.NewPCG(seed, 0)), d}
	operations := d.operations()
	var names []string
	for what := range operations {
		if !slices.Contains(elsewhere, what) && !slices.Contains(endless, what) && what != "DELETE /v1/runs/{run}" {
			names = append(names, what)
		}
	}
	slices.Sort(names)
	for range requests {
		what := pick(m, names)
		r := m.request(what, operations[what])
		if r == nil {
			continue
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r.WithContext(t.Context()))
		res := w.Result()
		res.Request = r
		if w.Code >= 500 {
			t.Errorf("%s %s: %d\n%s", r.Method, r.RequestURI, w.Code, w.Body)
		}
		api.check(t, r, res, w.Body.Bytes())
	}
}

// TestTormented asks for everything in every way that the document allows, and in
// many that it does not.
func TestTormented(t *testing.T) { torment(t, tormented(t), 1, 3000) }

func FuzzAPI(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	api := tormented(f) // one for all: requests hardly change it
	f.Fuzz(func(t *testing.T, seed uint64) { torment(t, api, seed, 20) })
}
