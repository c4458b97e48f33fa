package observe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// frameRoutes are those of what is to be seen of a run:
//
//	GET /v1/runs/{run}/frames          a stream of events, each a frame; ?from=T, Last-Event-ID
//	GET /v1/runs/{run}/frames/{tick}   the frame after that tick; ?since=T
//
// A frame is what is to be known after a tick by who knew the run after an earlier
// one. With since -1 it is the whole, and takes the place of what was known:
//
//	tick, since, hash, [time,] [end]   how the run ended: finished or aborted
//	columns       by name, [[tick, value],…]: 500 points at most; of more, the lowest
//	              and the highest of even parts, and the last
//	scores        by agent; only the changed ones, as of all that follow
//	race          in a whole frame, of the 24 with the highest scores: [[tick, score],…],
//	              128 ticks at most, evenly apart, and the frame's
//	cells         values and changed: cell, index, cell, index,…; or values and all:
//	              base64, a byte a cell, 255 for none
//	failures      by agent: count, type, tick
//	messages      the newest 200, as record.AppendMessage has them; messages_left_out
//	events        the world's, the newest 50: tick, event; events_left_out
//	came, went    agents: [{agent, entry}], [agent]
//
// What is empty is left out. In place of a body or an event of more than 8 KiB
// there is {"bytes": n}.
func frameRoutes(mux *routes, runs Runs) {
	f, _ := runs.(follower)
	mux.HandleFunc("GET /v1/runs/{run}/frames", func(w http.ResponseWriter, r *http.Request) {
		since, err := sinceOf(r)
		if err != nil {
			fail(w, err)
			return
		}
		streamSSE(w, r, func(out io.Writer) error { return f.Frames(r.Context(), r.PathValue("run"), since, out) })
	})
	mux.HandleFunc("GET /v1/runs/{run}/frames/{tick}", func(w http.ResponseWriter, r *http.Request) {
		tick, err := strconv.ParseUint(r.PathValue("tick"), 10, 31)
		if err != nil {
			fail(w, fmt.Errorf("%w: %q is not the number of a tick", errRequest, r.PathValue("tick")))
			return
		}
		q := queryOf(r)
		since := q.number("since", -1, mostTick)
		if q.err != nil {
			fail(w, q.err)
			return
		}
		stream(w, "application/json", func(out io.Writer) error {
			return runs.Frame(r.Context(), r.PathValue("run"), since, int(tick), out)
		})
	})
}

// sinceOf is the tick that a reader of frames knows the run after.
func sinceOf(r *http.Request) (int, error) {
	if id := lastID(r); id != "" {
		tick, err := strconv.ParseUint(id, 10, 31)
		if err != nil {
			return 0, fmt.Errorf("%w: %q is not the id of a frame, which is the number of its tick", errRequest, id)
		}
		return int(tick), nil
	}
	q := queryOf(r)
	return q.number("from", 0, mostTick) - 1, q.err
}

func (c *client) Frame(ctx context.Context, run string, since, tick int, w io.Writer) error {
	q := url.Values{}
	if since >= 0 {
		q.Set("since", strconv.Itoa(since))
	}
	return c.copy(ctx, "/v1/runs/"+url.PathEscape(run)+"/frames/"+strconv.Itoa(tick), q, w)
}
