package gateway

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// A slowBody says one byte at once and then nothing more, until its request ends.
type slowBody struct {
	ctx  context.Context
	said bool
}

func (b *slowBody) Read(to []byte) (int, error) {
	if b.said {
		<-b.ctx.Done()
		return 0, b.ctx.Err()
	}
	b.said = true
	return copy(to, "x"), nil
}

func (*slowBody) Close() error { return nil }

// It is the upstream's silence that ends an answer, not the time that whoever asked
// takes over what has come.
func TestPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		silent := func() { cancel(errSilent) }
		body := &patient{ReadCloser: &slowBody{ctx: ctx}, ctx: ctx, cancel: cancel, alarm: time.AfterFunc(time.Hour, silent), idle: time.Minute}
		defer func() { _ = body.Close() }()
		if _, err := io.ReadFull(body, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if err := context.Cause(ctx); err != nil {
			t.Errorf("while nobody reads: %v", err)
		}
		start := time.Now()
		if _, err := body.Read(make([]byte, 1)); !errors.Is(err, errSilent) || time.Since(start) != time.Minute {
			t.Errorf("after %s of silence: %v", time.Since(start), err)
		}
	})
}
