package dashboards

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

//go:embed page
var pageFiles embed.FS

// scripts are the page's modules, each after those that it imports.
var scripts = []string{
	"dom", "api", "order", "model", "stream", "grid", "chart", "race", "threads", "charts", "events", "agents", "transcript", "turn",
	"form", "human", "chat", "panel", "controls", "scrubber", "message", "run", "runs", "report", "app",
}

// A page is the live page as one file, and the policy that the browser is to hold
// it to: nothing runs on it but its own script.
type page struct {
	text   []byte
	policy string
	tag    string
}

var livePage = sync.OnceValues(func() (*page, error) { return makePage("'self'", "") })

// Page serves the live page, which asks the API at /v1 of the same origin. It
// has no data and no secret in it: anybody may have it.
func Page() (http.Handler, error) {
	p, err := livePage()
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", p.policy+"; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache") // kept, and asked for by its tag
		h.Set("ETag", p.tag)
		if r.Header.Get("If-None-Match") == p.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(p.text)
	}), nil
}

// WriteReport writes the page as one file that shows data, JSON as
// page/report.js takes it, and asks nobody for anything.
func WriteReport(w io.Writer, data []byte) error {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("cannot pack the report: %w", err)
	}
	_, err = z.Write(data)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return fmt.Errorf("cannot pack the report: %w", err)
	}
	p, err := makePage("'none'", `<script type="text/plain" id="report">`+base64.StdEncoding.EncodeToString(packed.Bytes())+"</script>")
	if err != nil {
		return err
	}
	_, err = w.Write(p.text)
	return err
}

// makePage puts the page together; connect says what it may connect to.
func makePage(connect, data string) (*page, error) {
	html, err := pageFiles.ReadFile("page/index.html")
	if err != nil {
		return nil, fmt.Errorf("cannot make the page: %w", err)
	}
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		return nil, fmt.Errorf("cannot make the page: %w", err)
	}
	script, err := bundle()
	if err != nil {
		return nil, fmt.Errorf("cannot make the page: %w", err)
	}
	policy := fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; connect-src %s; img-src data: blob:; base-uri 'none'; form-action 'none'",
		hashed(script), hashed(string(style)), connect)
	text := strings.NewReplacer(
		"{{policy}}", `<meta http-equiv="Content-Security-Policy" content="`+policy+`">`,
		"{{style}}", string(style), "{{data}}", data, "{{script}}", script,
	).Replace(string(html))
	sum := sha256.Sum256([]byte(text))
	return &page{text: []byte(text), policy: policy, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

// hashed names a script or a style in a policy.
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var (
	imports = regexp.MustCompile(`(?m)^import (\{[^}]+\}) from "\./(\w+)\.js";$`)
	exports = regexp.MustCompile(`(?m)^export ((?:async )?(?:function|class|const|let) (\w+))`)
)

// bundle makes one script of all modules, since modules of their own are not
// loaded from a file: each becomes a function that gives what it exports.
func bundle() (string, error) {
	var all strings.Builder
	all.WriteString("const modules = {};\n")
	for _, name := range scripts {
		text, err := pageFiles.ReadFile("page/" + name + ".js")
		if err != nil {
			return "", err
		}
		var names []string
		for _, m := range exports.FindAllSubmatch(text, -1) {
			names = append(names, string(m[2]))
		}
		body := imports.ReplaceAll(text, []byte("const $1 = modules.$2;"))
		body = exports.ReplaceAll(body, []byte("$1"))
		fmt.Fprintf(&all, "modules.%s = (() => {\n%s\nreturn { %s };\n})();\n", name, body, strings.Join(names, ", "))
	}
	return all.String(), nil
}
