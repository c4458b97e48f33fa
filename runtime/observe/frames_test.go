package observe

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A toldFrame is a frame as its reader decodes it.
type toldFrame struct {
	Tick, Since int
	Hash        string
	Time        string
	End         string
	Columns     map[string][][2]float64
	Scores      map[string]float64
	Race        map[string][][2]float64
	Cells       *struct {
		Values  []json.RawMessage
		All     string
		Changed []int
	}
	Failures map[string]struct {
		Count int
		Type  string
		Tick  int
	}
	Messages    []json.RawMessage
	MessagesOut int `json:"messages_left_out"`
	Events      []json.RawMessage
	EventsOut   int `json:"events_left_out"`
	Came        []struct{ Agent, Entry string }
	Went        []string
}

// A viewer is what somebody knows of a run who goes by frames alone.
type viewer struct {
	Tick     int
	Hash     string
	End      string
	Last     map[string][2]float64 // of each column
	Points   map[string]int
	Scores   map[string]float64
	Cells    []string
	Failures map[string]string
	Messages int
	Events   int
	There    map[string]bool // of those who came
}

// take goes on by a frame.
func (v *viewer) take(t *testing.T, text []byte) {
	t.Helper()
	var f toldFrame
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if f.Since == -1 {
		*v = viewer{Last: map[string][2]float64{}, Points: map[string]int{}, Scores: map[string]float64{}, Failures: map[string]string{}, There: map[string]bool{}}
	} else if f.Since != v.Tick {
		t.Fatalf("a frame since %d for who knows %d", f.Since, v.Tick)
	}
	v.Tick, v.Hash, v.End = f.Tick, f.Hash, f.End
	for name, points := range f.Columns {
		v.Last[name] = points[len(points)-1]
		v.Points[name] += len(points)
	}
	maps.Copy(v.Scores, f.Scores)
	for id, x := range f.Failures {
		v.Failures[id] = fmt.Sprint(x)
	}
	v.cells(t, &f)
	v.Messages += len(f.Messages) + f.MessagesOut
	v.Events += len(f.Events) + f.EventsOut
	for _, x := range f.Came {
		v.There[x.Agent+" of "+x.Entry] = true
	}
	for _, id := range f.Went {
		maps.DeleteFunc(v.There, func(there string, _ bool) bool { return strings.HasPrefix(there, id+" ") })
	}
}

func (v *viewer) cells(t *testing.T, f *toldFrame) {
	t.Helper()
	if f.Cells == nil {
		return
	}
	value := func(i int) string {
		if i == noValue {
			return "none"
		}
		return string(f.Cells.Values[i])
	}
	if f.Cells.All != "" {
		all, err := base64.StdEncoding.DecodeString(f.Cells.All)
		if err != nil {
			t.Fatal(err)
		}
		v.Cells = nil
		for _, b := range all {
			v.Cells = append(v.Cells, value(int(b)))
		}
	}
	for pair := range slices.Chunk(f.Cells.Changed, 2) {
		v.Cells[pair[0]] = value(pair[1])
	}
}

const gridSide = 6

// gridPlan has cells that come to be shown, and an entry that agents join.
func gridPlan() plan.Plan {
	p := plan.Plan{Name: "grid", Entries: []plan.Entry{{ID: "cell-{n}"}, {ID: "guest-{n}", Max: 9}},
		View: plan.View{Grid: &plan.Grid{Agents: "cell-*", Columns: gridSide, Value: "action.move"}, Race: true, Threads: true, Charts: []string{"c*"}}}
	for n := range gridSide * gridSide {
		p.Agents = append(p.Agents, plan.Agent{ID: fmt.Sprint("cell-", n+1), Config: []byte("{}")})
	}
	slices.SortFunc(p.Agents, func(a, b plan.Agent) int { return strings.Compare(a.ID, b.ID) })
	return p
}

// eventful draws a record of gridPlan.
func eventful(p *plan.Plan, n int, rnd *rand.Rand) *record.Record {
	r := &record.Record{Tick: n, Annex: record.Annex{Time: time.Unix(int64(n)+1, 0)}}
	for i := range p.Agents {
		id := p.Agents[i].ID
		if rnd.IntN(8) == 0 {
			turn := record.Turn{Agent: id, Action: fmt.Appendf(nil, `{"x":1,"move":"%c"}`, 'A'+rnd.IntN(3))}
			if rnd.IntN(6) == 0 {
				turn.Action, turn.Failure, turn.Policy = nil, agent.Deadline, "skip"
			}
			r.Turns = append(r.Turns, turn)
		}
		if rnd.IntN(12) == 0 {
			r.Scores = append(r.Scores, record.Score{Agent: id, Value: fmt.Append(nil, rnd.IntN(99))})
		}
	}
	r.Columns = []record.Column{{Name: "c1", Value: fmt.Append(nil, n)}, {Name: "cs", Value: []byte(`"word"`)}, {Name: "other", Value: []byte("1")}}
	if n%3 == 0 {
		r.Columns = slices.Insert(r.Columns, 1, record.Column{Name: "c2", Value: []byte("-1.5e3")})
	}
	for range rnd.IntN(5) {
		r.Messages = append(r.Messages, record.Message{From: "cell-1", To: "cell-2", Body: []byte(`"hello"`)})
		r.Events = append(r.Events, []byte(`{"rain":true}`))
	}
	if n%10 == 1 {
		r.Added = []record.Added{{Agent: fmt.Sprint("guest-", n), Config: []byte("{}")}}
	}
	if n%10 == 6 && n > 20 {
		r.Removed = []string{fmt.Sprint("guest-", n-15)}
	}
	return r
}

func framed(t *testing.T, s *Store, since, tick int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := s.Frame(t.Context(), "r", since, tick, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestFrames: whatever ticks somebody sees of a run, and in whatever order frames
// were made, differences add up to the whole.
func TestFrames(t *testing.T) {
	for _, live := range []bool{false, true} {
		h, _ := open(t)
		p := gridPlan()
		h.runOf("r", p, 0, live)
		rnd := rand.New(rand.NewPCG(7, 7))
		const ticks = 90
		by := newPicture(&p)
		want := make([][]byte, ticks)
		for n := range ticks {
			r := eventful(&p, n, rnd)
			if n == ticks-1 {
				r.End = record.EndTicks
			}
			h.commit("r", r)
			_, hash, _ := h.logs["r"].Last()
			by.add(r, hash)
			want[n] = by.appendFrame(nil, -1)
		}
		for range 40 {
			n := rnd.IntN(ticks)
			if got := framed(t, h.store, -1, n); !bytes.Equal(got, want[n]) {
				t.Fatalf("after tick %d:\n%s\nwant\n%s", n, got, want[n])
			}
		}
		for range 6 {
			var v, whole viewer
			for n := rnd.IntN(9); ; n = min(n+1+rnd.IntN(30), ticks-1) {
				since := -1
				if v.Last != nil {
					since = v.Tick
				}
				v.take(t, framed(t, h.store, since, n))
				whole.take(t, want[n])
				if !reflect.DeepEqual(v, whole) {
					t.Fatalf("after tick %d:\n%+v\nwant\n%+v", n, v, whole)
				}
				if n == ticks-1 {
					break
				}
			}
		}
	}
}

// TestFramesAreAsDescribed holds frames against the API's document.
func TestFramesAreAsDescribed(t *testing.T) {
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := d.schema("/components/schemas/Frame")
	if err != nil {
		t.Fatal(err)
	}
	p := gridPlan()
	by, rnd := newPicture(&p), rand.New(rand.NewPCG(3, 3))
	for n := range 60 {
		by.add(eventful(&p, n, rnd), [record.HashSize]byte{})
		for _, since := range []int{-1, n - 1, max(n-9, -1)} {
			frame, err := jsonschema.UnmarshalJSON(bytes.NewReader(by.appendFrame(nil, since)))
			if err == nil {
				err = schema.Validate(frame)
			}
			if err != nil {
				t.Fatalf("after tick %d, since %d: %v", n, since, err)
			}
		}
	}
}

// TestFramesOfALiveRun: a reader that comes back with what it knows sees the run
// as one that sees it whole, across supervisors too.
func TestFramesOfALiveRun(t *testing.T) {
	h, _ := open(t)
	p := gridPlan()
	h.runOf("r", p, 0, true)
	rnd := rand.New(rand.NewPCG(8, 8))
	const ticks = 60
	done := make(chan error, 1)
	var v viewer
	cuts := rand.New(rand.NewPCG(9, 9))
	go func() {
		since := -1
		for {
			w := &cutWriter{left: cuts.IntN(60_000)}
			err := h.store.Frames(t.Context(), "r", since, w)
			whole := w.String()
			for _, e := range parse(t, whole[:max(0, strings.LastIndex(whole, "\n\n"))]) {
				if e.kind == "frame" {
					v.take(t, []byte(e.data))
					since = v.Tick
				} else if strings.Contains(e.data, "finished") {
					done <- nil
					return
				}
			}
			if err != nil && !errors.Is(err, errCut) {
				done <- err
				return
			}
		}
	}()
	for n := range ticks {
		if n == ticks/2 {
			h.live("r").Over()
			h.store.sources.mu.Lock()
			h.store.sources.kept = nil // as another process would
			h.store.sources.mu.Unlock()
			h.mu.Lock()
			h.lives["r"] = NewLive(func() {})
			h.mu.Unlock()
		}
		r := eventful(&p, n, rnd)
		if n == ticks-1 {
			r.End = record.EndTicks
		}
		h.commit("r", r)
	}
	ends(t, done, nil)
	var whole viewer
	whole.take(t, framed(t, h.store, -1, ticks-1))
	if !reflect.DeepEqual(v, whole) {
		t.Errorf("the reader knows\n%+v\nand there is\n%+v", v, whole)
	}
}

// TestFramesForWhoKnowsMore: somebody knew another run of that name, or a log that
// has lost its end since, and is told all of what there is.
func TestFramesForWhoKnowsMore(t *testing.T) {
	for _, live := range []bool{false, true} {
		h, _ := open(t)
		h.run("r", 0, live)
		for n := range 5 {
			h.tick("r", n, record.NotEnded)
		}
		for _, knows := range []int{5, 100} {
			w := &frameWriter{}
			if err := h.store.Frames(t.Context(), "r", knows, w); !errors.Is(err, errCut) {
				t.Fatalf("live %v: who knows tick %d is told %q, %v", live, knows, w, err)
			}
			var v viewer
			if v.take(t, []byte(parse(t, w.String())[0].data)); v.Tick != 4 {
				t.Errorf("live %v: who knows tick %d is told tick %d", live, knows, v.Tick)
			}
		}
	}
}

// A frameWriter takes one frame, and breaks off.
type frameWriter struct{ bytes.Buffer }

func (w *frameWriter) Write(b []byte) (int, error) {
	n, err := w.Buffer.Write(b)
	if bytes.HasPrefix(b, []byte("event: frame")) {
		err = errCut
	}
	return n, err
}

// TestCurve: however many points there are, few are told, all over the range, and
// nothing that stands out is missing.
func TestCurve(t *testing.T) {
	const ticks, deep, high = 100_000, 31_234, 77_777
	c := &curve{}
	value := func(tick int) float64 {
		switch tick {
		case deep:
			return -1
		case high:
			return 2e6
		}
		return float64(tick)
	}
	for n := range ticks {
		c.add(point{n, value(n)})
		if len(c.recent) > 2*mostPoints || len(c.spans) > mostPoints {
			t.Fatalf("it grows: %d, %d", len(c.recent), len(c.spans))
		}
	}
	for since, least := range map[int]int{-1: 400, 10: 400, 50_000: 200, 99_400: 400, 99_900: 99, 99_998: 1, 99_999: 0} {
		got := c.after(since)
		if len(got) > mostPoints || len(got) < least {
			t.Errorf("after %d: %d points", since, len(got))
		}
		for i, x := range got {
			if x.tick <= since || i > 0 && x.tick <= got[i-1].tick || x.value != value(x.tick) {
				t.Fatalf("after %d: %v", since, got)
			}
			if i > 0 && x.tick-got[i-1].tick > 1000 {
				t.Errorf("after %d: %v is next to %v", since, x, got[i-1])
			}
		}
		if len(got) > 0 && got[len(got)-1].tick != ticks-1 {
			t.Errorf("after %d: the last point is %v", since, got[len(got)-1])
		}
		for _, tick := range []int{deep, high} {
			if _, found := slices.BinarySearchFunc(got, tick, func(x point, tick int) int { return x.tick - tick }); tick > since && !found {
				t.Errorf("after %d: tick %d is missing, which stands out", since, tick)
			}
		}
	}
}
