package dashboards_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/dashboards"
)

func getPage(t *testing.T, tag string) *httptest.ResponseRecorder {
	t.Helper()
	page, err := dashboards.Page()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	page.ServeHTTP(w, r)
	return w
}

// The page is one small file that loads nothing, and runs no script but its own.
func TestPage(t *testing.T) {
	res := getPage(t, "")
	html := res.Body.String()
	if len(html) > 300<<10 {
		t.Errorf("the page has %d bytes", len(html))
	}
	policy := res.Header().Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'; ") {
		t.Errorf("policy %q", policy)
	}
	for _, tag := range []string{"script", "style"} {
		found := regexp.MustCompile(`(?s)<`+tag+`(?: type="module")?>(.*?)</`+tag+`>`).FindAllStringSubmatch(html, -1)
		if len(found) != 1 {
			t.Fatalf("%d times <%s>", len(found), tag)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, tag+"-src "+hash) {
			t.Errorf("the policy does not let the page's own %s through: %s", tag, policy)
		}
	}
	if found := regexp.MustCompile(`(src|href)="(https?:)?//|@import|url\(|{{\w+}}`).FindString(html); found != "" {
		t.Errorf("the page has %s", found)
	}
	if res := getPage(t, res.Header().Get("ETag")); res.Code != http.StatusNotModified || res.Body.Len() > 0 {
		t.Errorf("a page that the browser has is sent again: %d", res.Code)
	}
}

// Modules import by one-line statements, only what is before them; each is in the
// page; and none puts text in as HTML.
func TestModules(t *testing.T) {
	html := getPage(t, "").Body.String()
	files, err := filepath.Glob("page/*.js")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".js")
		at := strings.Index(html, "modules."+name+" = ")
		if at < 0 {
			t.Errorf("%s is not in the page", file)
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^import .*from "\./(\w+)\.js";$`).FindAllSubmatch(source, -1) {
			if before := strings.Index(html, "modules."+string(m[1])+" = "); before < 0 || before > at {
				t.Errorf("%s imports %s, which is not before it", file, m[1])
			}
		}
		if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`).Find(source); found != nil {
			t.Errorf("%s has %s", file, found)
		}
		if lines := bytes.Count(source, []byte("\n")); lines > 500 {
			t.Errorf("%s has %d lines", file, lines)
		}
	}
	if found := regexp.MustCompile(`(?m)^(import|export) .*$`).FindString(html); found != "" {
		t.Errorf("the page has %q", found)
	}
}

// A report carries its data, asks nobody, and cannot be broken out of.
func TestWriteReport(t *testing.T) {
	const data = `{"note":"</script><script>alert(1)</script>"}`
	var b bytes.Buffer
	if err := dashboards.WriteReport(&b, []byte(data)); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	if !strings.Contains(html, "connect-src 'none'") || strings.Count(html, "</script>") != 2 {
		t.Errorf("%d scripts", strings.Count(html, "</script>"))
	}
	m := regexp.MustCompile(`id="report">([^<]*)<`).FindStringSubmatch(html)
	if m == nil {
		t.Fatal("no data")
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(m[1])))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); string(got) != data || err != nil {
		t.Errorf("data %q, %v", got, err)
	}
}
