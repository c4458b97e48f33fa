package modeltest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

func TestErrors(t *testing.T) {
	for status, kind := range map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 418: "invalid_request_error",
		429: "rate_limit_error", 500: "api_error", 503: "api_error", 529: "overloaded_error",
	} {
		s := start(t, modeltest.Always(modeltest.Reply{Status: status, Text: "slow down", RetryAfter: 1200 * time.Millisecond}))
		a := ask(t.Context(), t, s, true, user("hi")...)
		want := `{"error":{"message":"slow down","type":"` + kind + `"},"type":"error"}`
		if a.err != nil || a.StatusCode != status || string(a.body) != want || a.Header.Get("Retry-After") != "2" {
			t.Errorf("%d: got %d %s, try again after %q: %v", status, a.StatusCode, a.body, a.Header.Get("Retry-After"), a.err)
		}
	}
}

// A model that hangs holds its client until that goes away; its script's
// context tells.
func TestHangUntilClientGoes(t *testing.T) {
	for _, after := range []int{0, 3} {
		gone := make(chan struct{})
		s := start(t, func(r *modeltest.Request) modeltest.Reply {
			context.AfterFunc(r.Context(), func() { close(gone) })
			return modeltest.Reply{Text: "hi", Fail: modeltest.Hang, After: after}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		a := ask(ctx, t, s, true, user("hi")...)
		cancel()
		if !errors.Is(a.err, context.DeadlineExceeded) || (a.Response != nil) != (after > 0) {
			t.Errorf("after %d: got %s: %v", after, a.body, a.err)
		}
		<-gone
	}
}

// Close ends what hangs or waits, and not as if it were an answer.
func TestCloseEndsAll(t *testing.T) {
	for name, script := range map[string]modeltest.Script{
		"silent":  modeltest.Always(modeltest.Reply{Fail: modeltest.Hang}),
		"midway":  modeltest.Always(modeltest.Reply{Text: "hi", Fail: modeltest.Hang, After: 3}),
		"late":    modeltest.Always(modeltest.Reply{Text: "hi", Delay: time.Hour}),
		"slow":    modeltest.Always(modeltest.Reply{Text: "hi", Pause: time.Hour}),
		"waiting": func(r *modeltest.Request) modeltest.Reply { <-r.Context().Done(); return modeltest.Reply{} },
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan struct{})
			s := modeltest.Start(func(r *modeltest.Request) modeltest.Reply { close(asked); return script(r) })
			answers := make(chan answer)
			go func() { answers <- ask(t.Context(), t, s, true, user("hi")...) }()
			<-asked
			s.Close()
			if a := <-answers; a.err == nil {
				t.Errorf("got %s, properly ended", a.body)
			}
		})
	}
}

func TestCut(t *testing.T) {
	for _, stream := range []bool{true, false} {
		s := start(t, modeltest.InOrder(
			modeltest.Always(modeltest.Reply{Text: "hi", Fail: modeltest.Cut}),
			modeltest.Always(modeltest.Reply{Text: "hi", Fail: modeltest.Cut, After: 1}),
			modeltest.Always(modeltest.Reply{Text: "hi", Fail: modeltest.Cut, After: 99})))
		if a := ask(t.Context(), t, s, stream, user("hi")...); a.Response != nil || !errors.Is(a.err, io.EOF) {
			t.Errorf("at once: got %s: %v", a.body, a.err)
		}
		if a := ask(t.Context(), t, s, stream, user("hi")...); len(a.body) == 0 || json.Valid(a.body) || !errors.Is(a.err, io.ErrUnexpectedEOF) {
			t.Errorf("midway: got %s: %v", a.body, a.err)
		}
		a := ask(t.Context(), t, s, stream, user("hi")...)
		if whole := json.Valid(a.body) || strings.Contains(string(a.body), "message_stop"); !whole || !errors.Is(a.err, io.ErrUnexpectedEOF) {
			t.Errorf("after all: got %s: %v", a.body, a.err)
		}
	}
}

func TestGarbleAndAbort(t *testing.T) {
	s := start(t, modeltest.InOrder(
		modeltest.Always(modeltest.Reply{Text: "hi", Fail: modeltest.Garble, After: 3}),
		modeltest.Always(modeltest.Reply{Text: "busy", Fail: modeltest.Abort, After: 3})))
	a := ask(t.Context(), t, s, true, user("hi")...)
	if a.err != nil || !strings.HasSuffix(string(a.body), "event: content_block_delta\ndata: {\"type\":\n\n") {
		t.Errorf("garbled: got %s: %v", a.body, a.err)
	}
	if got, want := story(ask(t.Context(), t, s, true, user("hi")...).events(t)), "message_start ping 0:text[error"; got != want {
		t.Errorf("aborted: got %s, want %s", got, want)
	}
	a = ask(t.Context(), t, s, false, user("hi")...)
	if want := `{"error":{"message":"busy","type":"overloaded_error"},"type":"error"}`; a.StatusCode != 529 || string(a.body) != want {
		t.Errorf("aborted: got %s, want %s: %v", a.body, want, a.err)
	}
	s = start(t, modeltest.Always(modeltest.Reply{Text: "hi", Fail: modeltest.Garble, After: 1}))
	if a := ask(t.Context(), t, s, false, user("hi")...); a.err != nil || json.Valid(a.body) || a.StatusCode != 200 {
		t.Errorf("garbled: got %s: %v", a.body, a.err)
	}
}

func TestDelayAndPause(t *testing.T) {
	const step = 20 * time.Millisecond
	s := start(t, modeltest.Always(modeltest.Reply{Text: "hi", Delay: 2 * step, Pause: step}))
	began := time.Now()
	all := ask(t.Context(), t, s, true, user("hi")...).events(t)
	if took, want := time.Since(began), step*time.Duration(len(all)+1); took < want {
		t.Errorf("took %v, want %v at least", took, want)
	}
}
