package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/gateway"
	"github.com/troupe-dev/troupe/runtime/price"
)

const (
	answerParts = 50      // events of an answer's text
	askedBytes  = 100_000 // of a request, as a conversation of some turns has
)

// asking is a number of clients that make so many requests to a model together,
// each one after the other. Kept says that the gateway keeps what it passes on.
func asking(clients, requests int, kept bool) size {
	s := size{agents: clients, ticks: requests, kept: kept, name: fmt.Sprint(clients)}
	if kept {
		s.name += "-recorded"
	}
	return s
}

// floorGateway asks the stand-in without a gateway.
func floorGateway(ctx context.Context, _ *lab, s size) ([]float64, error) {
	model, err := newStandIn(strings.Repeat("word ", answerParts), answerParts)
	if err != nil {
		return nil, err
	}
	defer model.close()
	return askAll(ctx, s, func(string) (url, token string) { return model.url, "none" })
}

// troupeGateway asks it through one.
func troupeGateway(ctx context.Context, l *lab, s size) (figures []float64, err error) {
	model, err := newStandIn(strings.Repeat("word ", answerParts), answerParts)
	if err != nil {
		return nil, err
	}
	defer model.close()
	o := gateway.Options{
		Upstreams: []gateway.Upstream{{API: "anthropic", URL: model.url, Key: "none"}},
		Prices:    price.List(), Budgets: gateway.NewBudgets(),
		Turn:    func(string) (int, int) { return 0, 1 },
		Used:    func(*gateway.Exchange) {},
		Refused: func(string, error) {},
		Wait:    func(string) func() { return func() {} },
		Log:     func(string, string) {},
	}
	if s.kept {
		l.runs++
		if o.Exchanges, err = gateway.OpenExchanges(filepath.Join(l.dir, fmt.Sprintf("gateway%d", l.runs)), false); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, o.Exchanges.Close()) }()
	}
	g, err := gateway.New(o)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.Close()
		return nil, fmt.Errorf("cannot open a gateway: %w", err)
	}
	server := &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	defer func() {
		g.Close()
		_ = server.Close()
		serving.Wait()
	}()
	return askAll(ctx, s, func(id string) (url, token string) {
		token = g.Admit(gateway.Client{Agent: id, Dirs: map[string]string{"agent": filepath.Join(l.dir, id), "run": l.dir}})
		return agent.LookupAPI("anthropic").Base(listener.Addr().String(), id), token
	})
}

// askAll has all clients ask, each once for nothing, and gives the medians of the
// times to the first byte and to the last one, and how many were answered a second.
func askAll(ctx context.Context, s size, at func(id string) (url, token string)) ([]float64, error) {
	askers := make([]*asker, s.agents)
	for i := range askers {
		id := agentID(i)
		url, token := at(id)
		transport := http.DefaultTransport.(*http.Transport).Clone()
		defer transport.CloseIdleConnections()
		askers[i] = &asker{client: &http.Client{Transport: transport}, id: id, url: url + "/v1/messages", token: token}
	}
	errs := make([]error, len(askers))
	each := func(requests int) error {
		var wg sync.WaitGroup
		for i, a := range askers {
			wg.Go(func() { errs[i] = a.ask(ctx, requests) })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
	if err := each(1); err != nil { // connections are made
		return nil, err
	}
	for _, a := range askers {
		a.first, a.total = nil, nil
	}
	begun, requests := time.Now(), max(s.ticks/s.agents, 1)
	if err := each(requests); err != nil {
		return nil, err
	}
	took := time.Since(begun)
	var first, total []float64
	for _, a := range askers {
		first, total = append(first, a.first...), append(total, a.total...)
	}
	return []float64{median(first), median(total), float64(requests*s.agents) / took.Seconds()}, nil
}

// An asker is one client and what it measured, in microseconds.
type asker struct {
	client         *http.Client
	id, url, token string
	asked          int
	first, total   []float64
}

func (a *asker) ask(ctx context.Context, requests int) error {
	for range requests {
		if err := a.once(ctx); err != nil {
			return fmt.Errorf("%s has no answer: %w", a.id, err)
		}
	}
	return nil
}

// once makes a request that is not like any before.
func (a *asker) once(ctx context.Context) error {
	a.asked++
	body, err := conversation(fmt.Sprint(a.id, " asks for the ", a.asked, "th time"))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", a.token)
	begun := time.Now()
	res, err := a.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var start [1]byte
	if _, err := io.ReadFull(res.Body, start[:]); err != nil {
		return err
	}
	first := time.Since(begun)
	rest, err := io.ReadAll(res.Body)
	total := time.Since(begun)
	if err == nil && (res.StatusCode != http.StatusOK || !bytes.Contains(rest, []byte("message_stop"))) {
		err = fmt.Errorf("status %d: %.200s%.200s", res.StatusCode, start[:], rest)
	}
	a.first, a.total = append(a.first, micros(first)), append(a.total, micros(total))
	return err
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// conversation is a request with a past of askedBytes.
func conversation(last string) ([]byte, error) {
	const each = 2000
	var messages []any
	for i := range askedBytes / each {
		role := [2]string{"user", "assistant"}[i%2]
		messages = append(messages, map[string]string{"role": role, "content": strings.Repeat("so they said\n", each/13)})
	}
	messages = append(messages, map[string]string{"role": "user", "content": last})
	return json.Marshal(map[string]any{"model": benchModel, "max_tokens": 1000, "stream": true, "messages": messages})
}
