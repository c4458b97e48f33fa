package supervisor

import (
	"bytes"
	"slices"
)

// leastSecret is the length from which a secret is blotted out: a shorter one
// would take ordinary words with it.
const leastSecret = 6

// A redactor keeps secrets out of what the supervisor writes down. It is used
// by one goroutine at a time; nil lets all through.
type redactor struct {
	secrets []redacted
	held    []byte // the end of what was written, which may begin a secret
}

type redacted struct{ value, name []byte }

func newRedactor(secrets []Secret) *redactor {
	r := &redactor{}
	for _, s := range secrets {
		if len(s.Value) >= leastSecret {
			r.secrets = append(r.secrets, redacted{[]byte(s.Value), []byte("[secret " + s.Name + "]")})
		}
	}
	if len(r.secrets) == 0 {
		return nil
	}
	// The longest first: one may be part of another.
	slices.SortFunc(r.secrets, func(a, b redacted) int { return len(b.value) - len(a.value) })
	return r
}

// whole blots secrets out of a text by itself.
func (r *redactor) whole(b []byte) []byte {
	if r == nil {
		return b
	}
	for _, s := range r.secrets {
		b = bytes.ReplaceAll(b, s.value, s.name)
	}
	return b
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
