package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// However a stream is cut, no secret comes through, and nothing else is lost.
func TestRedactorAcrossCuts(t *testing.T) {
	const text = "key=sk-ant-canary; again sk-ant-canary-long, sk-ant-can not whole, sk-ant-canarysk-ant-canary\nsk-ant-c"
	secrets := []Secret{{Name: "A", Value: "sk-ant-canary"}, {Name: "B", Value: "sk-ant-canary-long"}, {Name: "C", Value: "x"}}
	want := strings.NewReplacer("sk-ant-canary-long", "[secret B]", "sk-ant-canary", "[secret A]").Replace(text)
	for size := 1; size <= len(text); size++ {
		r := newRedactor(secrets)
		var got strings.Builder
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			got.Write(r.feed([]byte(rest[:n])))
			rest = rest[n:]
		}
		got.Write(r.rest())
		// A secret that is the beginning of another one is blotted out as soon as
		// it stands there: the rest of the longer one shows it was no more.
		if s := strings.ReplaceAll(got.String(), "[secret A]-long", "[secret B]"); s != want {
			t.Fatalf("cut every %d bytes: %q, want %q", size, s, want)
		}
	}
	var none *redactor
	if got := string(none.whole(none.feed([]byte(text)))) + string(none.rest()); got != text {
		t.Errorf("without secrets: %q", got)
	}
}

// A secret is found in JSON too, however that is written, and in JSON that is
// text within JSON.
func TestRedactorInJSON(t *testing.T) {
	r := newRedactor([]Secret{{Name: "A", Value: "x\"<y>&\\é\n😀"}})
	for _, text := range []string{
		"x\"<y>&\\é\n😀",
		`x\"<y>&\\é\n😀`,
		`x\"\u003cy\u003e\u0026\\é\n😀`,
		`x\"<y>&\\\u00e9\n\ud83d\ude00`,
		`x\\\"<y>&\\\\é\\n😀`,
	} {
		if got := string(r.whole([]byte(`{"k":"` + text + `"}`))); got != `{"k":"[secret A]"}` {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// A line of ours between the two halves of a secret does not give them away.
func TestLogBetweenHalves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := newLogFile(path, logSize, []Secret{{Name: "A", Value: "sk-ant-canary"}})
	l.write([]byte("key: sk-ant"))
	l.line("[info] ", []byte("hello"))
	l.write([]byte("-canary\nrest sk"))
	l.close()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "key: \n[info] hello\n[secret A]\nrest sk" {
		t.Errorf("%q, %v", got, err)
	}
}
