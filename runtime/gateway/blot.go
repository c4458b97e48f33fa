package gateway

import (
	"bytes"
	"io"
	"slices"
)

// blotted stands where a key stood.
var blotted = []byte("[key]")

// A blotter passes a text on as it comes, without the key that may be in it, however
// it is cut into parts. It is for one goroutine.
type blotter struct {
	to   io.Writer
	key  []byte // empty for none
	held []byte // less than a key: it may be the beginning of one
}

func newBlotter(to io.Writer, key string) *blotter { return &blotter{to: to, key: []byte(key)} }

// Write passes on what comes, but for what the next part may show to be the key: an
// event of a stream that ends is never held back, since no key has the end of a line.
func (b *blotter) Write(part []byte) (int, error) {
	text := part
	if len(b.held) > 0 {
		text = slices.Concat(b.held, part)
	}
	if len(b.key) > 0 && bytes.Contains(text, b.key) {
		text = bytes.ReplaceAll(text, b.key, blotted)
	}
	rest := b.begun(text)
	_, err := b.to.Write(text[:len(text)-rest])
	b.held = bytes.Clone(text[len(text)-rest:])
	return len(part), err
}

// end passes on what is held back: nothing follows that would make it the key.
func (b *blotter) end() error {
	_, err := b.to.Write(b.held)
	b.held = nil
	return err
}

// begun is how many of the last bytes of a text may be the beginning of the key.
func (b *blotter) begun(text []byte) int {
	for n := min(len(b.key)-1, len(text)); n > 0; n-- {
		if bytes.HasSuffix(text, b.key[:n]) {
			return n
		}
	}
	return 0
}
