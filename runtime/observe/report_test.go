package observe

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A report that is asked of a supervisor does not take half an answer for the whole.
func TestReportOfHalfAnAnswer(t *testing.T) {
	data := t.TempDir()
	l, release, err := ListenControl(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stream(w, "text/plain", func(out io.Writer) error {
			if _, err := io.WriteString(out, "half of it"); err != nil {
				return err
			}
			return errors.New("the disk is gone")
		})
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // until it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	c := newClient(data)
	t.Cleanup(func() { _ = c.Close() })
	a, err := asker(c)(t.Context(), "/v1/runs/r/agents/ann/log?tail=100")
	if err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("%q is taken for a log, with the error %v", a.body.String(), err)
	}
}
