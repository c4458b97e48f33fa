package supervisor

import (
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
