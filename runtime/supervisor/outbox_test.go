package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
)

// TestOutboxKeepsOrder writes more than a pipe holds, in lines shorter and
// longer than the pieces that wait, before anybody reads.
func TestOutboxKeepsOrder(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	o := newOutbox(w)
	var want []byte
	for i := range 4000 {
		line := fmt.Appendf(nil, "line %d\n", i)
		if i%1000 == 999 {
			line = bytes.Repeat(line, 20_000)
		}
		o.write(line)
		want = append(want, line...)
	}
	o.finish()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes came otherwise than the %d that were written", len(got), len(want))
	}
}
