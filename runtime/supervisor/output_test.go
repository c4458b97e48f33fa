package supervisor

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestOutput(t *testing.T) {
	sh := func(ctx context.Context, text string) (string, error) {
		out, err := Output(ctx, []string{"/bin/sh", "-c", text}, []string{"PATH=/usr/bin:/bin", "SAYS=hello"}, "/")
		return string(out), err
	}
	if out, err := sh(t.Context(), `pwd; cat; echo "$SAYS" >&2`); err != nil || !strings.Contains(out, "/\n") || !strings.Contains(out, "hello\n") {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := sh(t.Context(), "echo no; exit 3"); err == nil || err.Error() != "exited with status 3" || out != "no\n" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := sh(t.Context(), "while :; do echo all work and no play; done | head -c 1000000"); err != nil || len(out) != mostOutput {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	if out, err := Output(t.Context(), []string{"/nowhere"}, nil, "/"); err == nil {
		t.Errorf("%q of what is not there", out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := sh(ctx, "sleep 1000 & sleep 1000"); !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", out, err)
	}
}
