package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/troupe-dev/troupe/runtime/record"
)

// A Pacer holds a run that is played up between ticks, or lets it go on. Its
// methods may be called concurrently.
type Pacer interface {
	Pause()
	Resume()
	// Step lets a paused run play so many ticks and returns once they are on
	// record or the run has come to its end; ErrConflict where it is not paused,
	// ErrNotRunning where it is stopped first.
	Step(ctx context.Context, ticks int) error
	// Speed has at most so many ticks begin in a second; 0 for no bound.
	Speed(perSecond float64)
	Pace() (paused bool, perSecond float64)
}

// A Submission is a run that somebody wants to have played.
type Submission struct {
	// Scenario names one of the supervisor's directory or, with Files, one of
	// those.
	Scenario string `json:"scenario,omitempty"`
	// Files are a scenario with all that it names, by slash-separated path.
	Files map[string]Content `json:"files,omitempty"`
	// Path is a scenario on the supervisor's own machine: over its socket only.
	Path   string   `json:"path,omitempty"`
	Name   string   `json:"name,omitempty"` // of the run; empty for one that is made
	Seed   *uint64  `json:"seed,omitempty"` // instead of the scenario's
	Set    []string `json:"set,omitempty"`  // path=value
	Paused bool     `json:"paused,omitempty"`
	Speed  float64  `json:"ticks_per_second,omitempty"` // 0 for as fast as it goes
	// Models has the models of another run answer, and none be asked.
	Models *record.ReplayModels `json:"replay_models,omitempty"`
}

// A Content is what a file holds: text or, as {"base64": …}, any bytes.
type Content []byte

// UnmarshalJSON implements json.Unmarshaler.
func (c *Content) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		*c = Content(s)
		return nil
	}
	var b struct {
		Base64 *[]byte `json:"base64"`
	}
	if err := json.Unmarshal(text, &b); err != nil || b.Base64 == nil {
		return errors.New(`the content of a file is a string, or {"base64": "…"}`)
	}
	*c = *b.Base64
	return nil
}

// MarshalJSON implements json.Marshaler.
func (c Content) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]byte{"base64": c})
}

// A Scenario is one that a supervisor offers.
type Scenario struct {
	Scenario    string `json:"scenario"` // its file, below the directory
	Name        string `json:"name"`
	Agents      int    `json:"agents"`
	Description string `json:"description,omitempty"` // the first lines of comment
	Invalid     bool   `json:"invalid,omitempty"`     // it could not be run as it is: a program or a key is missing
}

// A ProblemsError is a scenario that cannot be run as it is: each problem says
// where, what, and what would be right.
type ProblemsError struct{ Problems []string }

func (e *ProblemsError) Error() string {
	return fmt.Sprintf("the scenario has %d problems; the first: %s", len(e.Problems), e.Problems[0])
}

func (e *ProblemsError) Unwrap() error { return ErrRefused }

// A Refusal is an ErrRefused of a supervisor rather than of a run.
type Refusal struct{ Why string }

func (e *Refusal) Error() string { return e.Why }
func (e *Refusal) Unwrap() error { return ErrRefused }

// Refuse makes a Refusal.
func Refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// A Server plays the runs that it is given, when there is room for them.
type Server interface {
	// Create makes a run that is played as soon as there is room. ErrRefused, or
	// a *ProblemsError, says why there is none.
	Create(ctx context.Context, s Submission) (run string, err error)
	// Continue has a run played on that is not over and is not played. ErrGoesOn is
	// one that waits already, or was just taken up, where there are limits.
	Continue(ctx context.Context, run string, limits []string) error
	// Scenarios are what is there to be played.
	Scenarios(ctx context.Context) ([]Scenario, error)
	// Queued says whether a run waits for room.
	Queued(run string) bool
	// Withdraw takes a run out of the queue; false if it was not in there. One that
	// is just being taken up, or given back, is waited for until it is played, or
	// known no more.
	Withdraw(ctx context.Context, run string) (bool, error)
	// Settled waits until a run is queued, is played, or is known no more: one that is
	// being made, taken up, given back or held is none of that.
	Settled(ctx context.Context, run string) error
	// Hold has nobody play a run until release; false where it is queued or played.
	Hold(run string) (release func(), ok bool)
}

// ErrConflict is a request that the run, as it stands, cannot follow.
var ErrConflict = errors.New("not as the run stands")

// ErrGoesOn is the conflict of limits for a run that is played, or waits to be.
var ErrGoesOn = fmt.Errorf("%w: limits change where a run begins to go on: stop it first", ErrConflict)

// errNoServer says that the supervisor plays one run alone.
var errNoServer = fmt.Errorf("%w: this supervisor plays one run alone; troupe serve takes others", ErrConflict)

// pacer finds who holds a run up.
func (s *Store) pacer(run string) (Pacer, error) {
	if err := s.exists(run); err != nil {
		return nil, err
	}
	if l := s.live(run); l != nil && l.Pacer != nil {
		return l.Pacer, nil
	}
	return nil, s.unplayed(run)
}

// waits says whether a run is to be played, and is not yet, or not any more.
func (s *Store) waits(run string) bool {
	if l := s.live(run); l != nil {
		return l.Waits
	}
	return s.Server != nil && s.Server.Queued(run)
}

// unplayed is the error of a run that nobody plays now.
func (s *Store) unplayed(run string) error {
	if s.waits(run) {
		return fmt.Errorf("%w: run %s waits until there is room for it", ErrConflict, run)
	}
	return fmt.Errorf("%w: %s; troupe resume %s goes on with it", ErrNotRunning, run, run)
}

// Pause implements Runs.
func (s *Store) Pause(_ context.Context, run string) error {
	p, err := s.pacer(run)
	if err == nil {
		p.Pause()
	}
	return err
}

// Resume implements Runs.
func (s *Store) Resume(ctx context.Context, run string, limits []string) error {
	if err := s.exists(run); err != nil {
		return err
	}
	if l := s.live(run); l != nil && l.Pacer != nil {
		switch {
		case l.stops(): // it goes on once that is done
			if err := l.wait(ctx); err != nil {
				return err
			}
		case len(limits) > 0:
			return ErrGoesOn
		default:
			l.Pacer.Resume()
			return nil
		}
	}
	if s.Server == nil {
		return errNoServer
	}
	return s.Server.Continue(ctx, run, limits)
}

// mostStep is how many ticks a step has at most, so that sums of them are numbers.
const mostStep = 1_000_000_000

// Step implements Runs.
func (s *Store) Step(ctx context.Context, run string, ticks int) error {
	if ticks < 1 || ticks > mostStep {
		return Refuse("a step is a number of ticks from 1 to %d", mostStep)
	}
	p, err := s.pacer(run)
	if err != nil {
		return err
	}
	return p.Step(ctx, ticks)
}

// Speed implements Runs.
func (s *Store) Speed(_ context.Context, run string, perSecond float64) error {
	if !ValidSpeed(perSecond) {
		return errSpeed
	}
	p, err := s.pacer(run)
	if err == nil {
		p.Speed(perSecond)
	}
	return err
}

// ValidSpeed says whether a run can be played at so many ticks in a second, at most;
// 0 is as fast as it goes.
func ValidSpeed(perSecond float64) bool { return perSecond >= 0 && perSecond <= 1e6 }

var errSpeed = Refuse("ticks_per_second is a number from 0, which is as fast as it goes, to 1000000")

// Create implements Runs.
func (s *Store) Create(ctx context.Context, sub Submission) (Run, error) {
	if s.Server == nil {
		return Run{}, errNoServer
	}
	if !ValidSpeed(sub.Speed) {
		return Run{}, errSpeed
	}
	name, err := s.Server.Create(ctx, sub)
	if err != nil {
		return Run{}, err
	}
	return s.describe(ctx, name), nil
}

// Serves implements Runs.
func (s *Store) Serves(context.Context) error {
	if s.Server == nil {
		return errNoServer
	}
	return nil
}

// Result implements Runs.
func (s *Store) Result(ctx context.Context, run string) (json.RawMessage, error) {
	if err := s.exists(run); err != nil {
		return nil, err
	}
	if l := s.live(run); l != nil && !l.Waits {
		if l.State().End == record.NotEnded && !l.stops() {
			return nil, fmt.Errorf("%w: %s", ErrRunning, run)
		}
		if err := l.wait(ctx); err != nil { // its processes are being stopped
			return nil, err
		}
	}
	if s.Server != nil {
		if err := s.Server.Settled(ctx, run); err != nil {
			return nil, err
		}
		if s.live(run) != nil || s.Server.Queued(run) {
			return nil, fmt.Errorf("%w, or waits to be: %s", ErrRunning, run)
		}
	}
	text, err := os.ReadFile(s.Dir(run).Result())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: what run %s came to is not written down: its supervisor was killed, or the disk is full; troupe resume %s says it", ErrNoLog, run, run)
	}
	return text, err
}

// Scenarios implements Runs.
func (s *Store) Scenarios(ctx context.Context) ([]Scenario, error) {
	if s.Server == nil {
		return []Scenario{}, nil
	}
	return s.Server.Scenarios(ctx)
}

// A serverState is what is known of a supervisor.
type serverState struct {
	Serves bool `json:"serves"` // it takes runs
}

// controlRoutes are those that make runs, say what they came to, and how they go.
func controlRoutes(mux *routes, runs Runs, local bool) {
	mux.HandleFunc("GET /v1/server", func(w http.ResponseWriter, r *http.Request) {
		tell(w, http.StatusOK, serverState{Serves: runs.Serves(r.Context()) == nil}, nil)
	})
	mux.HandleFunc("GET /v1/scenarios", func(w http.ResponseWriter, r *http.Request) {
		list, err := runs.Scenarios(r.Context())
		tell(w, http.StatusOK, list, err)
	})
	mux.HandleFunc("POST /v1/runs", func(w http.ResponseWriter, r *http.Request) {
		var sub Submission
		err := readJSON(r, &sub)
		if err == nil && sub.Path != "" && !local {
			err = Refuse("a path means something on the supervisor's socket alone: send files")
		}
		var made Run
		if err == nil {
			made, err = runs.Create(r.Context(), sub)
		}
		if err == nil {
			w.Header().Set("Location", "/v1/runs/"+url.PathEscape(made.Run))
		}
		tell(w, http.StatusCreated, made, err)
	})
	mux.HandleFunc("GET /v1/runs/{run}/result", func(w http.ResponseWriter, r *http.Request) {
		text, err := runs.Result(r.Context(), r.PathValue("run"))
		tell(w, http.StatusOK, text, err)
	})
	paceRoutes(mux, runs)
}

// paceRoutes are those that hold runs up and let them go on.
func paceRoutes(mux *routes, runs Runs) {
	mux.HandleFunc("POST /v1/runs/{run}/pause", act(func(r *http.Request) error {
		return runs.Pause(r.Context(), r.PathValue("run"))
	}))
	mux.HandleFunc("POST /v1/runs/{run}/resume", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Limits []string `json:"limits"`
		}
		err := read(r, &body)
		if err == nil {
			err = runs.Resume(r.Context(), r.PathValue("run"), body.Limits)
		}
		done(w, err)
	})
	mux.HandleFunc("POST /v1/runs/{run}/step", func(w http.ResponseWriter, r *http.Request) {
		body := struct {
			Ticks int `json:"ticks"`
		}{1}
		err := read(r, &body)
		if err == nil {
			err = runs.Step(r.Context(), r.PathValue("run"), body.Ticks)
		}
		done(w, err)
	})
	mux.HandleFunc("PUT /v1/runs/{run}/speed", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Speed *float64 `json:"ticks_per_second"`
		}
		err := read(r, &body)
		if err == nil && body.Speed == nil {
			err = Refuse(`the body is {"ticks_per_second": N}`)
		}
		if err == nil {
			err = runs.Speed(r.Context(), r.PathValue("run"), *body.Speed)
		}
		done(w, err)
	})
}

func act(do func(r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { done(w, do(r)) }
}

// read takes a request's body; none leaves v as it is.
func read(r *http.Request, v any) error {
	err := readJSON(r, v)
	if errors.Is(err, io.EOF) { // there was nothing: its length need not have been said
		return nil
	}
	return err
}

// tell answers with a value or the error.
func tell(w http.ResponseWriter, code int, v any, err error) {
	if err != nil {
		fail(w, err)
		return
	}
	answerJSON(w, code, v)
}
