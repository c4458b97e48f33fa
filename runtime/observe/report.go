package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// What a report has at most, so that a browser opens it and mail takes it. Bytes are
// those before compression, which makes about a tenth of them.
const (
	reportFrames     = 2000
	reportFrameBytes = 32 << 20
	reportAgents     = 20_000
	reportLooked     = 200       // agents with their turns, those that failed first
	reportTurns      = 500       // of each of them, the newest
	reportRead       = 5_000_000 // outcomes that are read of the record for all of them
	reportTurnBytes  = 24 << 20
	reportTextBytes  = 16 << 20 // of transcripts and logs
	reportTail       = 512 << 10
)

// A report is what the page shows of a run where there is no API to ask: the answers
// that it would give, by path.
type report struct {
	Run     string                     `json:"run"`
	Note    string                     `json:"note"` // what was left out
	Answers map[string]json.RawMessage `json:"answers"`
	Texts   map[string]string          `json:"texts"`
	Frames  []json.RawMessage          `json:"frames"`

	ask  func(ctx context.Context, path string) (*answered, error)
	path string // of the run
	left []string
}

// An answered is what the API answers.
type answered struct {
	code   int
	header http.Header
	body   bytes.Buffer
}

func (a *answered) Header() http.Header         { return a.header }
func (a *answered) WriteHeader(code int)        { a.code = code }
func (a *answered) Write(b []byte) (int, error) { return a.body.Write(b) }

// wrong is the problem that the API answered with, or met with while it answered.
func (a *answered) wrong() error {
	if a.code >= http.StatusBadRequest {
		return problemOf(&http.Response{StatusCode: a.code, Header: a.header, Body: io.NopCloser(&a.body)})
	}
	if late := a.header.Get(failed); late != "" {
		return errors.New(late)
	}
	return nil
}

// Report writes all that the page shows of a run, as JSON that page/report.js takes.
// Of a big run it leaves some out, and says so.
func Report(ctx context.Context, runs Runs, run string, w io.Writer) error {
	r := &report{Run: run, Answers: map[string]json.RawMessage{}, Texts: map[string]string{}, path: "/v1/runs/" + url.PathEscape(run)}
	r.ask = asker(runs)
	var p plan.Plan
	var of Run
	if err := r.take(ctx, r.path, &of); err != nil {
		return err
	}
	if err := r.take(ctx, r.path+"/plan", &p); err != nil {
		return err
	}
	if err := r.frames(ctx, runs, &p, of.Ticks); err != nil {
		return err
	}
	agents, err := r.agents(ctx)
	if err != nil {
		return err
	}
	if err := r.look(ctx, agents, lookedAt(of.Ticks, len(agents))); err != nil {
		return err
	}
	if len(r.left) > 0 {
		r.Note = "This report has " + strings.Join(r.left, ", ") + ". The run itself has all: troupe events and troupe export print it."
	}
	return json.NewEncoder(w).Encode(r)
}

// asker asks the API over some runs, without a listener where they are here.
func asker(runs Runs) func(ctx context.Context, path string) (*answered, error) {
	if c, ok := runs.(*client); ok {
		return func(ctx context.Context, path string) (*answered, error) {
			where, query, _ := strings.Cut(path, "?")
			values, err := url.ParseQuery(query)
			if err != nil {
				return nil, err
			}
			res, err := c.send(ctx, http.MethodGet, where, values, nil)
			if err != nil {
				return nil, err
			}
			defer func() { _ = res.Body.Close() }()
			a := &answered{code: res.StatusCode, header: res.Header}
			if _, err := a.body.ReadFrom(res.Body); err != nil {
				return nil, fmt.Errorf("the supervisor's answer broke off: %w", err)
			}
			a.header.Set(failed, res.Trailer.Get(failed))
			return a, a.wrong()
		}
	}
	api := Handler(runs)
	return func(ctx context.Context, path string) (*answered, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
		if err != nil {
			return nil, err
		}
		a := &answered{code: http.StatusOK, header: http.Header{}}
		api.ServeHTTP(a, req)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return a, a.wrong()
	}
}

// take keeps an answer and decodes it.
func (r *report) take(ctx context.Context, path string, into any) error {
	a, err := r.ask(ctx, path)
	if err != nil {
		return err
	}
	r.Answers[path] = bytes.Clone(a.body.Bytes())
	if err := json.Unmarshal(a.body.Bytes(), into); err != nil {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}
	return nil
}

// errTooMuch ends a reading that came to more than a report has room for.
var errTooMuch = errors.New("too much for a report")

// frames has a frame every so many ticks, so that all of them have room.
func (r *report) frames(ctx context.Context, runs Runs, p *plan.Plan, ticks int) error {
	for every := max(1, (ticks+reportFrames-1)/reportFrames); ; {
		last, err := r.framesEvery(ctx, runs, p, every)
		if !errors.Is(err, errTooMuch) {
			if every > 1 {
				r.left = append(r.left, fmt.Sprintf("one tick of %d", every))
			}
			return err
		}
		every *= max(2, ticks/(last+1))
	}
}

// framesEvery gives the last tick for which there was room.
func (r *report) framesEvery(ctx context.Context, runs Runs, p *plan.Plan, every int) (last int, err error) {
	r.Frames = []json.RawMessage{}
	now := newPicture(p)
	told, size := -1, 0
	tell := func() error {
		f := now.appendFrame(nil, told)
		told = now.tick
		r.Frames = append(r.Frames, f)
		if size += len(f); size > reportFrameBytes && len(r.Frames) > 1 {
			return errTooMuch
		}
		return nil
	}
	err = Read(ctx, runs, r.Run, 0, func(rec *record.Record, hash [record.HashSize]byte) error {
		now.add(rec, hash)
		if (now.tick+1)%every == 0 {
			return tell()
		}
		return nil
	})
	if err == nil && now.tick > told {
		err = tell()
	}
	return now.tick, err
}

// agents lists who takes part, those that failed first.
func (r *report) agents(ctx context.Context) ([]string, error) {
	var all struct {
		Agents []json.RawMessage `json:"agents"`
		Total  int               `json:"total"`
	}
	path := r.path + "/agents"
	for {
		var some struct {
			Agents []json.RawMessage `json:"agents"`
			Total  int               `json:"total"`
		}
		err := r.take(ctx, fmt.Sprintf("%s?sort=failures&limit=10000&offset=%d", path, len(all.Agents)), &some)
		if err != nil {
			return nil, err
		}
		all.Agents, all.Total = append(all.Agents, some.Agents...), some.Total
		if len(some.Agents) == 0 || len(all.Agents) >= min(some.Total, reportAgents) {
			break
		}
	}
	for asked := range r.Answers { // the parts
		if strings.HasPrefix(asked, path+"?") {
			delete(r.Answers, asked)
		}
	}
	if len(all.Agents) < all.Total {
		r.left = append(r.left, fmt.Sprintf("%d of %d agents", len(all.Agents), all.Total))
	}
	ids := make([]string, len(all.Agents))
	for i, a := range all.Agents {
		var of struct {
			Agent string `json:"agent"`
		}
		if err := json.Unmarshal(a, &of); err != nil {
			return nil, fmt.Errorf("cannot read the agents: %w", err)
		}
		ids[i] = of.Agent
	}
	text, err := json.Marshal(all)
	r.Answers[path] = text
	return ids, err
}

// lookedAt is how many agents a report has the turns of: to find those of one, the
// record is read with all that others did.
func lookedAt(ticks, agents int) int {
	each := max(1, min(ticks, reportTurns)*agents)
	return min(reportLooked, max(reportRead/each, 1))
}

// look takes what is known of agents one by one, as long as there is room.
func (r *report) look(ctx context.Context, agents []string, most int) error {
	turns, texts, looked, cut := 0, 0, 0, false
	for _, id := range agents {
		if looked == most || turns > reportTurnBytes {
			break
		}
		looked++
		path := r.path + "/agents/" + url.PathEscape(id)
		list, more, err := r.turns(ctx, path+"/turns")
		if err != nil {
			return err
		}
		cut = cut || more
		r.Answers[path+"/turns"] = list
		turns += len(list)
		for _, of := range []string{"/transcript", "/log"} {
			if texts > reportTextBytes {
				break
			}
			a, err := r.ask(ctx, path+of+"?tail="+strconv.Itoa(reportTail))
			switch {
			case errors.Is(err, ErrNoLog):
			case err != nil:
				return err
			default:
				r.Texts[path+of] = a.body.String()
				texts += a.body.Len()
			}
		}
	}
	if looked < len(agents) {
		r.left = append(r.left, fmt.Sprintf("turns and logs of %d agents, those that failed first", looked))
	}
	if cut {
		r.left = append(r.left, fmt.Sprintf("the newest %d turns of an agent", reportTurns))
	}
	if texts > reportTextBytes {
		r.left = append(r.left, "not all transcripts and logs")
	}
	return nil
}

// turns are an agent's newest ones; more says that there are earlier ones.
func (r *report) turns(ctx context.Context, path string) (list json.RawMessage, more bool, err error) {
	all := []json.RawMessage{}
	for before := ""; ; {
		a, err := r.ask(ctx, path+"?limit="+strconv.Itoa(reportTurns-len(all))+before)
		if err != nil {
			return nil, false, err
		}
		var some []json.RawMessage
		if err := json.Unmarshal(a.body.Bytes(), &some); err != nil {
			return nil, false, fmt.Errorf("cannot read the turns: %w", err)
		}
		all = append(all, some...)
		earlier := a.header.Get("Troupe-Before")
		if earlier == "" || len(all) >= reportTurns {
			list, err = json.Marshal(all)
			return list, earlier != "", err
		}
		before = "&before=" + earlier
	}
}
