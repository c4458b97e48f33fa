package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/price"
)

// A passage is one billed request on its way through.
type passage struct {
	*Gateway
	client *client
	api    *API
	path   string
	body   []byte
	normal []byte // the body, normalised
	ask    request
	ex     Exchange
	meter  meter
	price  price.Price
	output int64 // tokens that the request allows

	w        http.ResponseWriter
	answer   bytes.Buffer // as far as it came
	settle   func(agent.USD)
	whole    bool // the answer came to its end
	finished bool
	deaf     error     // why nothing more can be passed on: whoever asked is gone
	by       string    // who answers
	asked    time.Time // the upstream

	over    chan struct{} // closed at the end
	drop    func()        // ends the request at the upstream
	begun   bool          // the upstream answers; the Gateway's mu
	orphan  bool          // its agent's process is gone, and another may want the answer; the Gateway's mu
	claimed bool          // another waits for it
}

// billed passes on a request that costs something.
func (g *Gateway) billed(w http.ResponseWriter, r *http.Request, c *client, api *API, path string, b billing) {
	p := &passage{Gateway: g, client: c, api: api, path: path}
	defer p.observed(w)()
	body, err := io.ReadAll(http.MaxBytesReader(p.w, r.Body, mostRequest))
	if err == nil && json.Unmarshal(body, &p.ask) != nil {
		err = errors.New("its body is no JSON object")
	}
	if err == nil && p.ask.Background {
		err = errors.New("what is answered in the background cannot be counted: leave background out")
	}
	if err != nil {
		api.refuse(p.w, http.StatusBadRequest, "invalid_request_error", "cannot read the request: "+err.Error())
		return
	}
	p.begin(body, b)
	if !p.await(r.Context()) || p.again() {
		return
	}
	p.live(r)
}

// begin says what the exchange is.
func (p *passage) begin(body []byte, b billing) {
	p.body, p.output = p.counted(body), min(b.most(&p.ask), price.MostTokens)
	p.meter.billing = b
	p.normal = p.client.normal.Normal(body)
	p.ex = Exchange{
		Agent: p.client.Agent, API: p.api.Name, Path: p.path, Model: p.ask.Model,
		Tools: hashOf(p.client.normal.Normal(p.ask.Tools)), Hash: hashOf(p.normal),
	}
	p.ex.Tick, p.ex.Attempt, p.ex.Ordinal = p.place(p.client)
}

// counted has a stream of the Chat Completions API tell what it took.
func (p *passage) counted(body []byte) []byte {
	if !p.ask.Stream || p.path != "/v1/chat/completions" {
		return body
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return body
	}
	options := map[string]any{}
	_ = json.Unmarshal(fields["stream_options"], &options)
	options["include_usage"] = true
	text, err := json.Marshal(options)
	if err == nil {
		fields["stream_options"] = text
		text, err = json.Marshal(fields)
	}
	if err != nil { // it came from JSON
		return body
	}
	return text
}

// live asks the upstream.
func (p *passage) live(r *http.Request) {
	up := p.upstreams[p.api.Name]
	if up == nil {
		p.api.refuse(p.w, http.StatusNotFound, "not_found_error", "this run has no upstream for "+p.api.Name)
		return
	}
	p.price = p.Gateway.price(p.client, p.ask.Model)
	release := p.opts.Wait(p.client.Agent)
	settle, err := p.opts.Budgets.Reserve(r.Context(), p.client.Agent, p.price.Most(len(p.body), p.output, p.ask.fast()))
	release()
	if err != nil {
		p.unfunded(err)
		return
	}
	p.settle = settle
	defer settle(0) // where nothing else did
	ctx, land := p.fly()
	defer land()
	p.asked = time.Now()
	res, leave, err := up.enter(ctx, r, p.path, p.body, p)
	if err != nil {
		p.unreached(r.Context(), err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	p.answering()
	defer leave()
	if err = p.pass(res); err != nil {
		p.opts.Log(p.client.Agent, fmt.Sprintf("the answer of %s broke off: %s", p.api.Name, err))
		panic(http.ErrAbortHandler) // what was passed on is no whole answer, and shall not look like one
	}
}

// unfunded answers a request whose budget is spent, or whose client is gone.
func (p *passage) unfunded(err error) {
	var spent *BudgetError
	if !errors.As(err, &spent) {
		return
	}
	p.opts.Refused(p.client.Agent, err)
	p.api.refuse(p.w, http.StatusForbidden, "permission_error", "troupe refuses this request: the budget is spent: "+err.Error())
}

// unreached answers a request of which the upstream said nothing.
func (p *passage) unreached(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // the client is gone
	}
	status, kind := http.StatusBadGateway, "api_error"
	if errors.Is(err, errSilent) {
		status, kind = http.StatusGatewayTimeout, "timeout_error"
	}
	text := err.Error()
	if key := p.upstreams[p.api.Name].Key; key != "" { // it never is in there, and must not be
		text = strings.ReplaceAll(text, key, "[key]")
	}
	p.opts.Log(p.client.Agent, "the upstream cannot be reached: "+text)
	h := p.w.Header()
	h.Set("Content-Type", "application/json")
	p.w.WriteHeader(status)
	_ = json.NewEncoder(p.w).Encode(p.api.refusal(kind, "troupe cannot reach the upstream: "+text))
}

// returned are the headers of answers that go back to the agent's tool.
var returned = []string{"Content-Type", "Retry-After", "Retry-After-Ms", "X-Should-Retry", "Request-Id", "X-Request-Id", "Content-Encoding"}

// pass passes an answer on as it comes, and keeps it before its last byte goes: an
// exchange that its agent has seen to its end is never asked, or paid, again. The
// error says why it broke off.
func (p *passage) pass(res *http.Response) error {
	p.by = FromUpstream
	p.ex.Status, p.ex.Type = res.StatusCode, res.Header.Get("Content-Type")
	p.meter.stream = strings.HasPrefix(p.ex.Type, "text/event-stream")
	for _, name := range returned {
		if v := res.Header.Values(name); len(v) > 0 {
			p.w.Header()[name] = v
		}
	}
	p.w.WriteHeader(res.StatusCode)
	err := p.stream(res.Body)
	if !p.finished {
		err = errors.Join(err, p.finish())
	}
	return err
}

// stream passes on what comes until the answer is over, without the key, which an
// upstream may repeat. Of what is no stream nothing goes before all is there.
func (p *passage) stream(body io.Reader) error {
	chunk := make([]byte, 32<<10)
	keyless := newBlotter(io.MultiWriter(&p.answer, &p.meter), p.upstreams[p.api.Name].Key)
	said := 0 // bytes of the answer that are passed on
	for {
		n, err := body.Read(chunk)
		_, _ = keyless.Write(chunk[:n])
		over := errors.Is(err, io.EOF)
		if over { // of one that broke off nothing goes that may be most of a key
			_ = keyless.end()
		}
		if over && !p.finished || p.meter.stream && p.meter.Whole && !p.finished {
			if over {
				p.meter.end()
			}
			p.whole = p.meter.Whole || p.ex.Status >= 300
			if ferr := p.finish(); ferr != nil {
				return ferr
			}
		}
		if part := p.answer.Bytes()[said:]; len(part) > 0 && (p.meter.stream || over) {
			p.say(part)
			said += len(part)
		}
		switch {
		case p.answer.Len() > mostAnswer:
			return fmt.Errorf("it is longer than %d bytes", mostAnswer)
		case over && p.ex.Status < 300 && !p.meter.Whole:
			return io.ErrUnexpectedEOF
		case over, err != nil && p.whole: // how its connection ends does not matter
			return nil
		case err != nil:
			return err
		}
	}
}

// say passes a part of the answer on. Where whoever asked is gone the rest is taken
// in all the same: it is paid for, and its agent's next process asks for it.
func (p *passage) say(part []byte) {
	if p.deaf != nil {
		return
	}
	if _, p.deaf = p.w.Write(part); p.deaf == nil {
		p.deaf = http.NewResponseController(p.w).Flush()
	}
}

// finish settles what the exchange has cost, keeps it, and tells of it. It is
// called once, when the answer is over or has broken off.
func (p *passage) finish() error {
	p.finished = true
	p.meter.Tokens.Bound()
	p.ex.Whole, p.ex.Answered, p.ex.Tokens = p.whole, p.meter.Model, p.meter.Tokens
	p.ex.USD = p.cost()
	p.settle(p.ex.USD)
	defer p.opts.Used(&p.ex) // it is paid even where it cannot be kept
	if p.opts.Exchanges != nil {
		kept := p.ex // await reads its hash meanwhile
		if err := p.opts.Exchanges.Add(&kept, p.normal, p.answer.Bytes()); err != nil {
			return err
		}
		p.ex.Response = kept.Response
		if p.whole && p.ex.Status < 300 {
			p.remember()
		}
	}
	return nil
}

// cost is what the answer says that it took. One that broke off without saying all
// is taken to have cost what was reserved for the rest; an error costs nothing.
func (p *passage) cost() agent.USD {
	t := p.meter.Tokens
	switch {
	case p.ex.Status >= 300:
		return 0
	case p.whole && p.meter.Said:
		if known, ok := p.opts.Prices.Of(p.meter.Model); ok { // it need not be the one that was asked for
			return known.Cost(&t)
		}
		return p.price.Cost(&t)
	case p.meter.Said:
		t.Output, t.Fast = max(t.Output, p.output), t.Fast || p.ask.fast()
		return p.price.Cost(&t)
	}
	return p.price.Most(len(p.body), p.output, p.ask.fast())
}
