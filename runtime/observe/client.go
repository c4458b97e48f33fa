package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// A client asks a supervisor over its socket.
type client struct {
	http http.Client
}

// newClient makes a client of the supervisor that listens on data's socket.
func newClient(data string) *client {
	c := &client{}
	c.http.Transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return DialControl(ctx, data) },
	}
	return c
}

func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// ErrUnreachable says that no supervisor answers any more.
var ErrUnreachable = errors.New("cannot ask the supervisor")

// localName is the host that requests over the socket are for.
const localName = "troupe"

// ask makes a request and gives the answer's body, or the error it carries.
func (c *client) ask(ctx context.Context, method, path string, query url.Values) (*http.Response, error) {
	return c.send(ctx, method, path, query, nil)
}

// send is ask with a body. The parts of the path are escaped already.
func (c *client) send(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Response, error) {
	at := "http://" + localName + path
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	return nil, problemOf(res)
}

func (c *client) List(ctx context.Context) ([]Run, error) {
	res, err := c.ask(ctx, http.MethodGet, "/v1/runs", nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var runs []Run
	if err := json.NewDecoder(res.Body).Decode(&runs); err != nil {
		return nil, fmt.Errorf("cannot read the supervisor's answer: %w", err)
	}
	return runs, nil
}

func (c *client) Get(ctx context.Context, run string) (r Run, err error) {
	err = c.get(ctx, "/v1/runs/"+url.PathEscape(run), &r)
	return r, err
}

func (c *client) Events(ctx context.Context, run string, from int, follow bool, w io.Writer) error {
	q := url.Values{"from": {strconv.Itoa(from)}, "follow": {strconv.FormatBool(follow)}}
	return c.copy(ctx, "/v1/runs/"+url.PathEscape(run)+"/events", q, w)
}

func (c *client) Records(ctx context.Context, run string, from int, w io.Writer) error {
	return c.copy(ctx, "/v1/runs/"+url.PathEscape(run)+"/records", url.Values{"from": {strconv.Itoa(from)}}, w)
}

func (c *client) Entries(ctx context.Context, run string, w io.Writer) error {
	return c.copy(ctx, "/v1/runs/"+url.PathEscape(run)+"/entries", nil, w)
}

func (c *client) Log(ctx context.Context, run, agent string, tail int, w io.Writer) error {
	path := "/v1/runs/" + url.PathEscape(run)
	if agent != "" {
		path += "/agents/" + url.PathEscape(agent)
	}
	return c.copy(ctx, path+"/log", tailQuery(tail), w)
}

func tailQuery(tail int) url.Values {
	if tail < 0 {
		return nil
	}
	return url.Values{"tail": {strconv.Itoa(tail)}}
}

func (c *client) Transcript(ctx context.Context, run, agent string, tail int, w io.Writer) error {
	return c.copy(ctx, "/v1/runs/"+url.PathEscape(run)+"/agents/"+url.PathEscape(agent)+"/transcript", tailQuery(tail), w)
}

// copy writes a streamed answer to w, and gives the error that it ended with.
func (c *client) copy(ctx context.Context, path string, query url.Values, w io.Writer) error {
	res, err := c.ask(ctx, http.MethodGet, path, query)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("the supervisor's answer broke off: %w", err)
	}
	if said := res.Trailer.Get(failed); said != "" {
		return errors.New(said)
	}
	return nil
}

func (c *client) Stop(ctx context.Context, run string) error {
	return c.do(ctx, http.MethodPost, "/v1/runs/"+url.PathEscape(run)+"/stop", nil)
}

func (c *client) Remove(ctx context.Context, run string, force bool) error {
	return c.do(ctx, http.MethodDelete, "/v1/runs/"+url.PathEscape(run), url.Values{"force": {strconv.FormatBool(force)}})
}

func (c *client) do(ctx context.Context, method, path string, query url.Values) error {
	res, err := c.ask(ctx, method, path, query)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
