package supervisor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// leastSecret is the length from which a secret is blotted out: a shorter one
// would take ordinary words with it.
const leastSecret = 6

// A redactor keeps secrets out of what the supervisor writes down, and out of
// what a process says to it: an answer with a secret in it goes on record, to
// the world and to others without. It is used by one goroutine at a time, but
// for whole; nil lets all through.
type redactor struct {
	secrets []redacted
	held    []byte // the end of what was written, which may begin a secret
}

type redacted struct{ value, name []byte }

func newRedactor(secrets []Secret) *redactor {
	r := &redactor{}
	for _, s := range secrets {
		if len(s.Value) >= leastSecret {
			for _, form := range forms(s.Value) {
				r.secrets = append(r.secrets, redacted{[]byte(form), []byte("[secret " + s.Name + "]")})
			}
		}
	}
	if len(r.secrets) == 0 {
		return nil
	}
	// The longest first: one may be part of another.
	slices.SortFunc(r.secrets, func(a, b redacted) int { return len(b.value) - len(a.value) })
	return r
}

// forms are how a secret may stand in a text: as it is, in JSON as different
// writers have it, and in JSON that is text within JSON.
func forms(value string) []string {
	all := []string{value}
	for _, inner := range []string{value, escaped(value, false, false)} {
		for _, html := range []bool{false, true} {
			for _, ascii := range []bool{false, true} {
				all = append(all, escaped(inner, html, ascii))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// escaped is a text as it stands between the quotes of a JSON string.
func escaped(text string, html, ascii bool) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if e.Encode(text) != nil {
		return text
	}
	quoted := strings.TrimSuffix(b.String(), "\n")
	quoted = quoted[1 : len(quoted)-1]
	if !ascii {
		return quoted
	}
	b.Reset()
	for _, r := range quoted {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, "\\u%04x", unit)
		}
	}
	return b.String()
}

// whole blots secrets out of a text by itself. It may be called concurrently,
// and gives b itself where there are none in it.
func (r *redactor) whole(b []byte) []byte {
	if r == nil {
		return b
	}
	for _, s := range r.secrets {
		if bytes.Contains(b, s.value) {
			b = bytes.ReplaceAll(b, s.value, s.name)
		}
	}
	return b
}

// request blots secrets out of what an agent asks for to be said. Contents of files
// stay: their hash is that of what the agent has.
func (r *redactor) request(x agent.Request) agent.Request {
	x.Message = string(r.whole([]byte(x.Message)))
	x.Send.Body = r.whole(x.Send.Body)
	return x
}

// Blotter gives what blots secrets out of a text, in every form that logs and
// transcripts are kept free of. It may be called concurrently.
func Blotter(secrets []Secret) func(text string) string {
	r := newRedactor(secrets)
	return func(text string) string { return string(r.whole([]byte(text))) }
}

// feed takes the next part of a stream and gives what can be written of it: an
// end that may be the beginning of a secret waits for what follows.
func (r *redactor) feed(b []byte) []byte {
	if r == nil {
		return b
	}
	b = r.whole(append(r.held, b...))
	keep := 0
	for _, s := range r.secrets {
		for n := min(len(s.value)-1, len(b)); n > keep; n-- {
			if bytes.HasSuffix(b, s.value[:n]) {
				keep = n
			}
		}
	}
	cut := len(b) - keep
	r.held = bytes.Clone(b[cut:])
	return b[:cut]
}

// rest gives what waits, at the end of a stream.
func (r *redactor) rest() []byte {
	if r == nil {
		return nil
	}
	b := r.held
	r.held = nil
	return b
}
