package observe

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
)

// problemType is the media type of an error of the API: RFC 9457.
const problemType = "application/problem+json"

// A Problem is what is wrong with a request, as the API tells it. It is an
// error, of the meaning that its status has.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Problems are those of a scenario, one each, with their places.
	Problems []string `json:"problems,omitempty"`
}

func (p *Problem) Error() string { return p.Detail }

// Unwrap gives the error that a client tells the problem apart by.
func (p *Problem) Unwrap() error {
	for _, s := range statuses {
		if s.code == p.Status && s.err != nil {
			return s.err
		}
	}
	return nil
}

// statuses are the errors that a client tells apart.
var statuses = []struct {
	err  error
	code int
}{
	{ErrNoRun, http.StatusNotFound}, // and what follows: a client has runs in mind
	{ErrNoAgent, http.StatusNotFound},
	{ErrNoFile, http.StatusNotFound},
	{ErrNoTick, http.StatusNotFound},
	{ErrNoLog, http.StatusGone},
	{ErrRunning, http.StatusConflict},
	{ErrConflict, http.StatusConflict},
	{ErrNotRunning, http.StatusPreconditionFailed},
	{ErrRefused, http.StatusUnprocessableEntity},
	{ErrNotPlayed, http.StatusNotFound},
	{ErrNotServed, http.StatusNotFound},
	{ErrNotAsked, http.StatusConflict},
	{ErrEnded, http.StatusGone},
	{errRequest, http.StatusBadRequest},
}

// errRequest is a request that nothing can be made of.
var errRequest = errors.New("the request is malformed")

// statusOf is the status that an error has as an answer.
func statusOf(err error) int {
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errRequest) && errors.Is(err, os.ErrDeadlineExceeded): // see bodyPatience
		return http.StatusRequestTimeout
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.code
		}
	}
	return http.StatusInternalServerError
}

// fail answers with an error. One that is a *Problem is answered as it is.
func fail(w http.ResponseWriter, err error) {
	var p *Problem
	if errors.As(err, &p) {
		refuse(w, p.Status, p.Detail, p.Problems...)
		return
	}
	var invalid *ProblemsError
	if errors.As(err, &invalid) {
		refuse(w, statusOf(err), err.Error(), invalid.Problems...)
		return
	}
	refuse(w, statusOf(err), err.Error())
}

// refuse answers with a problem.
func refuse(w http.ResponseWriter, code int, detail string, problems ...string) {
	h := w.Header()
	h.Del("Content-Length")
	h.Set("Content-Type", problemType)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(&Problem{"about:blank", http.StatusText(code), code, detail, problems})
}

// mostProblem is how long the text of a problem may be.
const mostProblem = 1 << 20

// problemOf is what a supervisor told that went wrong.
func problemOf(res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, mostProblem))
	if err != nil {
		return err
	}
	p := &Problem{}
	if res.Header.Get("Content-Type") != problemType || json.Unmarshal(text, p) != nil {
		p.Detail = strings.TrimSpace(string(text))
	}
	p.Status = res.StatusCode
	if p.Detail == "" {
		p.Detail = res.Status
	}
	return p
}

// answerJSON answers with a value.
func answerJSON(w http.ResponseWriter, code int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n'))
}

// readJSON reads a request's body, one JSON value, into v. Fields that are not
// known are an error, since one that is misspelt would have no effect.
func readJSON(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("there is more behind it")
		}
	}
	if err != nil {
		return &requestError{"cannot read the request's body: ", err}
	}
	return nil
}

// A requestError is an errRequest that keeps what it was.
type requestError struct {
	doing string
	err   error
}

func (e *requestError) Error() string   { return e.doing + e.err.Error() }
func (e *requestError) Unwrap() []error { return []error{e.err, errRequest} }
