package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Whatever says it, and however it is written, no secret gets into a log.
func TestLogIsDiscreet(t *testing.T) {
	const secret = "canary\"<&é\n1"
	var out bytes.Buffer
	l := NewLog(slog.NewJSONHandler(&out, nil))
	before := l.With("run", "r")
	l.hide(map[string]string{"KEY": secret, "OTHER": "second-canary", "SHORT": "run"})
	for _, log := range []*slog.Logger{l.Logger, before, l.With("with", secret), l.WithGroup("in").With("a", secret)} {
		log.Info("it says "+secret, "detail", secret+secret, "error", fmt.Errorf("cannot: %w", errors.New(secret)),
			slog.Group("more", "text", "x"+secret, "list", []string{"second-canary"}), "n", 1)
	}
	if strings.Contains(out.String(), "canary") {
		t.Errorf("it says a secret: %s", out.String())
	}
	for _, want := range []string{`"msg":"it says [secret KEY]"`, `"error":"cannot: [secret KEY]"`, `"run":"r"`, `"with":"[secret KEY]"`, `"n":1`, `[secret OTHER]`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %s: %s", want, out.String())
		}
	}
	var none *Log
	none.hide(map[string]string{"KEY": secret})
}
