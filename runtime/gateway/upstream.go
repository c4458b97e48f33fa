package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// An upstream is one that requests go to.
type upstream struct {
	Upstream
	api      *API
	base     *url.URL
	client   *http.Client
	governor *Governor
}

func newUpstream(u Upstream) (*upstream, error) {
	api := APIs[u.API]
	if api == nil {
		return nil, fmt.Errorf("there is no API %q", u.API)
	}
	if u.URL == "" {
		u.URL = api.Base
	}
	base, err := url.Parse(u.URL)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" {
		return nil, fmt.Errorf("%q is no address of an upstream: want https://HOST or http://HOST:PORT", u.URL)
	}
	if u.Most == 0 {
		u.Most = usualConcurrency
	}
	if u.Tries == 0 {
		u.Tries = usualTries
	}
	if u.First == 0 {
		u.First = usualFirst
	}
	if u.Idle == 0 {
		u.Idle = usualIdle
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = u.Most
	transport.DisableCompression = true // what the agent's tool asked for goes through as it is
	return &upstream{u, api, base, &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a key goes where it was meant to go
	}}, NewGovernor(u.Most)}, nil
}

// passed are the headers of requests that go on to the upstream. A list of what
// may go keeps back what an agent's tool adds of its own.
var passed = []string{"Accept", "Content-Type", "User-Agent", "Anthropic-Version", "Anthropic-Beta", "Openai-Beta", "Openai-Organization", "Openai-Project"}

// errSilent says that an upstream took too long.
var errSilent = errors.New("it took too long to say anything")

// ask makes a request once. The body that it gives has to be closed; it fails with
// errSilent where the upstream does not begin, or stops to say anything.
func (u *upstream) ask(ctx context.Context, r *http.Request, path string, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	alarm := time.AfterFunc(u.First, func() { cancel(errSilent) })
	to := *u.base
	to.Path, to.RawQuery = to.Path+path, r.URL.RawQuery
	out, err := http.NewRequestWithContext(ctx, r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	for _, name := range passed {
		if v := r.Header.Values(name); len(v) > 0 {
			out.Header[name] = v
		}
	}
	u.api.authorize(out.Header, u.Key)
	res, err := u.client.Do(out)
	if err != nil {
		alarm.Stop()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
		return nil, err
	}
	res.Body = &patient{ReadCloser: res.Body, ctx: ctx, cancel: cancel, alarm: alarm, idle: u.Idle}
	return res, nil
}

// A patient body fails once nothing has come for too long.
type patient struct {
	io.ReadCloser
	ctx    context.Context //nolint:containedctx // of the request that this is the answer's body of
	cancel context.CancelCauseFunc
	alarm  *time.Timer
	idle   time.Duration
}

func (p *patient) Read(b []byte) (int, error) {
	p.alarm.Reset(p.idle)
	n, err := p.ReadCloser.Read(b)
	p.alarm.Stop() // until the next time: what is done with it meanwhile is none of the upstream's time
	if err != nil && !errors.Is(err, io.EOF) {
		if cause := context.Cause(p.ctx); cause != nil {
			err = cause
		}
	}
	return n, err
}

func (p *patient) Close() error {
	p.alarm.Stop()
	p.cancel(nil)
	return p.ReadCloser.Close()
}

// full says whether an upstream answers that it has no room, and for how long it
// wants to be left alone.
func full(res *http.Response) (said time.Duration, yes bool) {
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, 529: // the last is Anthropic's: overloaded
	default:
		return 0, false
	}
	if ms, err := strconv.ParseFloat(res.Header.Get("Retry-After-Ms"), 64); err == nil && ms >= 0 {
		return time.Duration(min(ms, 1e9)) * time.Millisecond, true
	}
	after := res.Header.Get("Retry-After")
	if s, err := strconv.ParseFloat(after, 64); err == nil && s >= 0 {
		return time.Duration(min(s, 1e6) * float64(time.Second)), true
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(time.Until(at), 0), true
	}
	return 0, true
}

// enter gets a place and makes a request, again where there is no room, as often as
// the upstream's tries. Leave has to be called at the answer's end. Ctx ends it; that
// whoever asks is gone only ends waiting for a place, since what is asked is paid for.
func (u *upstream) enter(ctx context.Context, r *http.Request, path string, body []byte, p *passage) (res *http.Response, leave func(), err error) {
	queue, leaveQueue := context.WithCancel(ctx)
	defer leaveQueue()
	defer context.AfterFunc(r.Context(), leaveQueue)()
	for try := 1; ; try++ {
		release := p.opts.Wait(p.client.Agent)
		slot, err := u.governor.Enter(queue)
		if release(); err != nil {
			return nil, nil, err
		}
		if res, err = u.ask(ctx, r, path, body); err != nil {
			slot.Leave()
			return nil, nil, err
		}
		said, no := full(res)
		if !no {
			slot.Answered()
			return res, slot.Leave, nil
		}
		slot.Full(said)
		if try >= u.Tries {
			return res, slot.Leave, nil
		}
		slot.Leave()
		_ = res.Body.Close()
		if p.opts.Retried != nil {
			p.opts.Retried(p.api.Name)
		}
		p.opts.Log(p.client.Agent, fmt.Sprintf("the upstream has no room (status %d): all its requests wait %s", res.StatusCode, u.governor.Paused().Round(time.Millisecond)))
	}
}
