package modeltest

import (
	"cmp"
	"context"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"
)

// contextOf makes every request end with ctx.
func contextOf(ctx context.Context) func(net.Listener) context.Context {
	return func(net.Listener) context.Context { return ctx }
}

// write answers a request. It breaks the connection where the answer is cut,
// and wherever its client or the server is gone: a proper end would pass for
// an answer.
func (r Reply) write(w http.ResponseWriter, q *Request) {
	w.Header().Set("Request-Id", "req_"+q.id())
	sleep(q.ctx, r.Delay)
	if r.Fail == Abort && !q.Stream {
		r.Fail, r.Status = None, overloaded
	}
	frames := r.frames(w, q)
	if r.Fail != None {
		frames = frames[:min(max(r.After, 0), len(frames))]
	}
	// What is not flushed is not sent, the headers neither.
	w.WriteHeader(cmp.Or(r.Status, http.StatusOK))
	for i, frame := range frames {
		if i > 0 {
			sleep(q.ctx, r.Pause)
		}
		send(w, frame)
		if r.Sent != nil {
			r.Sent(i + 1)
		}
	}
	r.fail(w, q)
}

// frames sets the headers and cuts the answer's body: a stream into its events,
// anything else in half.
func (r *Reply) frames(w http.ResponseWriter, q *Request) [][]byte {
	w.Header().Set("Content-Type", "application/json")
	var body []byte
	switch {
	case r.Status != 0:
		if r.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(r.RetryAfter.Seconds()), 'f', 0, 64))
		}
		body = encode(q.wire.failure(r.Status, r.Text))
	case q.Stream:
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		return q.wire.events(r, q)
	default:
		body = q.wire.whole(r, q)
	}
	half := len(body) / 2
	return [][]byte{body[:half], body[half:]}
}

// fail breaks the answer off as the reply has it.
func (r *Reply) fail(w http.ResponseWriter, q *Request) {
	switch r.Fail {
	case Hang:
		<-q.ctx.Done()
		cut()
	case Cut:
		cut()
	case Garble:
		part := broken
		if q.Stream {
			part = q.wire.garbled()
		}
		send(w, part)
	case Abort:
		send(w, q.wire.aborted(q, r.Text))
	case None:
	}
}

// cut breaks the connection; this is net/http's way to.
func cut() { panic(http.ErrAbortHandler) }

// send writes at once.
func send(w http.ResponseWriter, b []byte) {
	_, err := w.Write(b)
	if err != nil || http.NewResponseController(w).Flush() != nil {
		cut()
	}
}

// sleep lets time pass, and cuts the connection once ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		cut()
	}
}
