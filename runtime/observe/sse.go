package observe

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/record"
)

// heartbeat is how long a stream of events is silent at most, so that whoever
// reads it, and whatever is between, knows that it lives.
const heartbeat = 15 * time.Second

// A Mark is a place in a run's record: after the first so many events of a tick.
type Mark struct{ Tick, Events int }

// ParseMark reads the id of an event, as the place after it.
func ParseMark(id string) (Mark, error) {
	tick, n, ok := strings.Cut(id, ".")
	t, err := strconv.ParseUint(tick, 10, 31)
	at, err2 := strconv.ParseUint(n, 10, 31)
	if !ok || err != nil || err2 != nil {
		return Mark{}, fmt.Errorf("%w: %q is not the id of an event, which is <tick>.<number>", errRequest, id)
	}
	return Mark{int(t), int(at) + 1}, nil
}

// sseOf is a tick as events of a stream: the lines of record.AppendEvents, each as
// an event of its type whose id is the tick and the line's number in it.
func sseOf(r *record.Record, hash [record.HashSize]byte) []byte {
	lines := record.AppendEvents(nil, r, hash)
	tick := strconv.Itoa(r.Tick)
	dst := make([]byte, 0, len(lines)+bytes.Count(lines, []byte{'\n'})*(len("event: observation\nid: .\ndata: \n")+len(tick)+5))
	for n := 0; len(lines) > 0; n++ {
		end := bytes.IndexByte(lines, '\n')
		dst = append(dst, "event: "...)
		dst = append(dst, typeOf(lines[:end])...)
		dst = append(dst, "\nid: "...)
		dst = append(dst, tick...)
		dst = append(dst, '.')
		dst = strconv.AppendInt(dst, int64(n), 10)
		dst = append(dst, "\ndata: "...)
		dst = append(dst, lines[:end+1]...)
		dst = append(dst, '\n')
		lines = lines[end+1:]
	}
	return dst
}

// typeOf is the type of a line of record.AppendEvents, which stands second in it.
func typeOf(line []byte) []byte {
	_, rest, _ := bytes.Cut(line, []byte(`"type":"`))
	name, _, _ := bytes.Cut(rest, []byte{'"'})
	return name
}

// skip is what follows the first events of a stream's text.
func skip(text []byte, events int) []byte {
	for ; events > 0 && len(text) > 0; events-- {
		_, text, _ = bytes.Cut(text, []byte("\n\n"))
	}
	return text
}

// follow opens the source of a run for a reader, once the run has begun.
func (s *Store) follow(ctx context.Context, run string, w io.Writer) (src *source, release func(), err error) {
	_, err = waiting(ctx, w, func(idle context.Context) (struct{}, error) { return struct{}{}, s.begun(idle, run, w) })
	if err != nil {
		return nil, nil, err
	}
	if src, release, err = s.read(ctx, run); err == nil {
		flush(w) // whoever asks knows that it is heard, though there be nothing yet
	}
	return src, release, err
}

// Stream writes a run's record from a place on as a stream of events, as ticks
// are committed, and after the last one an event of type end. It ends with the run,
// at once for one that nobody plays.
func (s *Store) Stream(ctx context.Context, run string, from Mark, w io.Writer) error {
	src, release, err := s.follow(ctx, run, w)
	if err != nil {
		return err
	}
	defer release()
	for {
		chunks, err := waiting(ctx, w, func(idle context.Context) ([]chunk, error) { return src.events.next(ctx, idle, from.Tick) })
		if err != nil {
			return err
		}
		for _, c := range chunks {
			if _, err := w.Write(skip(c.text, from.Events)); err != nil {
				return err
			}
			from = Mark{Tick: c.tick + 1}
			if c.end != record.NotEnded {
				return src.end(w)
			}
		}
		if len(chunks) == 0 {
			return src.end(w)
		}
		flush(w)
	}
}

// begun waits until a run that waits to be played is played, or does not wait any more.
func (s *Store) begun(ctx context.Context, run string, w io.Writer) error {
	if err := s.exists(run); err != nil {
		return err
	}
	for s.waits(run) {
		flush(w)
		select {
		case <-time.After(10 * again):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// waiting calls next until it has something, with a sign of life each time that
// idle is over.
func waiting[T any](ctx context.Context, w io.Writer, next func(idle context.Context) (T, error)) (T, error) {
	for {
		idle, cancel := context.WithTimeout(ctx, heartbeat)
		got, err := next(idle)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return got, err
		}
		if _, err := io.WriteString(w, ":\n\n"); err != nil {
			return got, err
		}
		flush(w)
	}
}

// end writes the last event of a stream: how the run stands that is over.
func (s *source) end(w io.Writer) error {
	last, hash, end := s.log.Last()
	if s.live != nil {
		if st := s.live.State(); st.Ticks > last+1 {
			last, hash, end = st.Ticks-1, st.Hash, st.End
		}
	}
	text, err := json.Marshal(map[string]any{"status": StatusOf(end), "ticks": last + 1, "hash": hex.EncodeToString(hash[:])})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "event: end\ndata: %s\n\n", text)
	flush(w)
	return err
}

func flush(w io.Writer) {
	if f, ok := w.(interface{ Flush() }); ok {
		f.Flush()
	}
}

// streamSSE answers with the stream that write writes. What goes wrong after it
// began is its last event.
func streamSSE(w http.ResponseWriter, r *http.Request, write func(io.Writer) error) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	out := &flusher{w: w, kind: "text/event-stream"}
	err := write(out)
	switch {
	case err == nil || r.Context().Err() != nil:
	case !out.begun:
		fail(w, err)
	default:
		text, _ := json.Marshal(map[string]string{"detail": err.Error()})
		_, _ = fmt.Fprintf(out, "event: error\ndata: %s\n\n", text)
		out.Flush()
	}
}

// wantsSSE says whether a request asks for a stream of events.
func wantsSSE(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// lastID is the id of the last event that a client has.
func lastID(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("last_event_id")
}

// A follower writes what goes on in a run as streams of events.
type follower interface {
	Stream(ctx context.Context, run string, from Mark, w io.Writer) error
	Frames(ctx context.Context, run string, since int, w io.Writer) error
	chat(ctx context.Context, run, agent, as string) (c *chat, release func(), err error)
}

// eventStream answers those with a run's record as a stream of events who ask for
// one, and passes all others on.
func eventStream(runs Runs, lines http.HandlerFunc) http.HandlerFunc {
	f, ok := runs.(follower)
	return func(w http.ResponseWriter, r *http.Request) {
		if !ok || !wantsSSE(r) {
			lines(w, r)
			return
		}
		from, err := markOf(r)
		if err != nil {
			fail(w, err)
			return
		}
		streamSSE(w, r, func(out io.Writer) error { return f.Stream(r.Context(), r.PathValue("run"), from, out) })
	}
}

func markOf(r *http.Request) (Mark, error) {
	if id := lastID(r); id != "" {
		return ParseMark(id)
	}
	q := queryOf(r)
	return Mark{Tick: q.number("from", 0, mostTick)}, q.err
}
