package observe

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// workplace is a run with a working directory of ann's, and what lies beside it.
func workplace(t *testing.T) (at *tcpPlace, work string) {
	t.Helper()
	h, _ := open(t)
	h.run("r", 0, false)
	dir := (&Store{Data: h.data}).Dir("r")
	work = dir.Work("ann")
	for name, text := range map[string]string{
		filepath.Join(work, "a note.md"):            "hear ye",
		filepath.Join(work, "page.html"):            "<script>alert(1)</script>",
		filepath.Join(work, "src", "main.bin"):      "a\x00b",
		filepath.Join(work, "src", "cut.txt"):       strings.Repeat("x", looked-1) + "é",
		filepath.Join(work, "src", "latin.txt"):     "caf\xe9",
		filepath.Join(work, "empty"):                "",
		filepath.Join(work, "..secret"):             "in it",
		filepath.Join(work, "..", "home", "s"):      "secret",
		filepath.Join(work, "..", "..", "bob", "s"): "secret",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{
		"out": "../home/s", "abs": dir.Manifest(), "up": "..", "root": "/", "in": "src/main.bin", "loop": "loop", "proc": "/proc/self/environ",
	} {
		if err := os.Symlink(to, filepath.Join(work, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(work, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	at, _ = serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	return at.as(Observe), work
}

const filesOfAnn = "GET /v1/runs/r/agents/ann/files"

func TestFiles(t *testing.T) {
	at, _ := workplace(t)
	for _, path := range []string{"", "/"} {
		res := at.ask(t, filesOfAnn+path, "")
		var d Directory
		if err := json.Unmarshal([]byte(res.body), &d); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, e := range d.Entries {
			all = append(all, e.Name+" "+e.Type)
		}
		want := "..secret file,a note.md file,abs link,empty file,in link,loop link,out link,page.html file,pipe other,proc link,root link,src directory,up link"
		if got := strings.Join(all, ","); got != want || res.header.Get(fileHeader) != "directory" {
			t.Errorf("got %s, want %s", got, want)
		}
		if e := d.Entries[1]; e.Size != 7 || e.Modified.IsZero() {
			t.Errorf("%+v", e)
		}
	}
	text := []string{"Content-Type: text/plain; charset=utf-8", "X-Content-Type-Options: nosniff", "sandbox", "Troupe-File: file"}
	at.is(t, filesOfAnn+"/a%20note.md", 200, append(text, "\nhear ye")...)
	at.is(t, filesOfAnn+"/page.html", 200, append(text, "\n<script>")...)
	at.is(t, filesOfAnn+"/empty", 200, text...)
	at.is(t, filesOfAnn+"/..secret", 200, append(text, "\nin it")...)
	at.is(t, filesOfAnn+"/src", 200, `"name":"main.bin"`)
	at.is(t, filesOfAnn+"/src/", 200, `"name":"main.bin"`)
	at.is(t, filesOfAnn+"/src/cut.txt", 200, append(text, "é")...)
	for _, path := range []string{"/src/main.bin", "/src/latin.txt", "/in"} {
		at.is(t, filesOfAnn+path, 200, "Content-Type: application/octet-stream", "Content-Disposition: attachment; filename=")
	}
}

// Nothing outside of the directory is told, however it is asked for, and no pipe is
// waited for.
func TestFilesElsewhere(t *testing.T) {
	at, _ := workplace(t)
	for _, path := range []string{
		"out", "abs", "up", "up/home/s", "root", "root/etc/passwd", "loop", "proc", "pipe", "none", "a note.md/x",
		"../home/s", "..", "../..", "../../bob/s", "src/../../home/s", "/etc/passwd", "//etc/passwd", "./../home/s", "x\x00y", strings.Repeat("x", 5000),
		"../stderr.log", "..\\home\\s", "....//home/s",
	} {
		for _, escaped := range []string{
			path, url.PathEscape(path), strings.ReplaceAll(url.PathEscape(path), ".", "%2e"), strings.ReplaceAll(path, "..", "%2e%2e"), strings.ReplaceAll(path, "/", "%2F"),
			strings.ReplaceAll(url.PathEscape(path), "%", "%25"),
		} {
			if strings.ContainsAny(escaped, "\x00 \\") {
				continue // no request can be made of it
			}
			res := at.ask(t, filesOfAnn+"/"+escaped, "")
			if res.code != 404 || strings.Contains(res.body, "secret\n") {
				t.Errorf("%s: %d\n%s", escaped, res.code, res.body)
			}
		}
	}
	at.is(t, "GET /v1/runs/r/agents/%2e%2e/files", 404)
	at.is(t, "GET /v1/runs/r/agents/..%2Fbob/files", 404)
	at.is(t, "GET /v1/runs/..%2F..%2F/agents/ann/files", 404)
	at.is(t, "GET /v1/runs/%2e%2e/agents/ann/files/s", 404)
	at.is(t, "GET /v1/runs/r/agents/bob/files/s", 404)
	at.is(t, "GET /v1/runs/r/agents/zoe/files", 404, "no agent zoe")
}

// Of a directory with very many entries the first are told, and how many more there
// are.
func TestFilesThatAreMany(t *testing.T) {
	at, work := workplace(t)
	const files = 2*mostEntries + 3000
	many := filepath.Join(work, "many")
	if err := os.Mkdir(many, 0o700); err != nil {
		t.Fatal(err)
	}
	for n := range files { // no order is that of names
		if err := os.WriteFile(filepath.Join(many, fmt.Sprintf("%05d", n*7919%files)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var d Directory
	if err := json.Unmarshal([]byte(at.ask(t, filesOfAnn+"/many", "").body), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Entries) != mostEntries || d.Left != files-mostEntries {
		t.Fatalf("there are %d, and %d more", len(d.Entries), d.Left)
	}
	for n, e := range d.Entries {
		if want := fmt.Sprintf("%05d", n); e.Name != want {
			t.Fatalf("entry %d is %s", n, e.Name)
		}
	}
}

// While a directory on the way becomes a link that leads out and back again, what
// is asked for is what was in it or nothing.
func TestFilesThatChange(t *testing.T) {
	at, work := workplace(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		src, aside := filepath.Join(work, "src"), filepath.Join(work, "aside")
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Rename(src, aside)
			_ = os.Symlink("../home", src)
			_ = os.Remove(src)
			_ = os.Rename(aside, src)
		}
	})
	if err := os.WriteFile(filepath.Join(work, "src", "s"), []byte("public"), 0o600); err != nil {
		t.Error(err)
	}
	for range 500 {
		if res := at.ask(t, filesOfAnn+"/src/s", ""); res.code != 404 && res.body != "public" || strings.Contains(res.body, "secret") {
			t.Fatalf("%d\n%s", res.code, res.body)
		}
	}
	close(stop)
	wg.Wait()
}
