package gateway

import (
	"fmt"
	"net/http"
)

// again answers a request from the past, and says whether it is answered: where
// there is no upstream to be asked it always is, be it with an error.
func (p *passage) again() bool {
	only := p.opts.Only && !p.opts.Past.gone(p.ex.Agent)
	k, news, missing := p.opts.Past.answer(&p.ex, only && !p.opts.Strict && !p.opts.Onward)
	switch {
	case missing == nil:
	case !only:
		return false
	case p.opts.Onward:
		p.opts.Past.leave(p.ex.Agent)
		p.opts.Log(p.ex.Agent, missing.Error()+": it goes to the model, as do all that follow")
		return false
	default:
		p.unanswered(p.explained(k, missing))
		return true
	}
	body, err := ReadBody(k.dir, k.Response)
	if err == nil && news {
		err = p.retold(k, body)
	}
	switch {
	case err == nil:
		p.repeat(&k.Exchange, body)
	case only:
		p.unanswered(err)
	default: // it is paid again, which is better than to stop
		p.opts.Log(p.client.Agent, err.Error())
		return false
	}
	return true
}

// retold tells of an exchange, the first time that it is given in this process: one
// of another run has cost this one nothing, and belongs to its record from now on.
func (p *passage) retold(k *kept, body []byte) error {
	e := k.Exchange
	if !k.own {
		e.USD, e.Hash, e.Ordinal = 0, p.ex.Hash, p.ex.Ordinal
		if p.opts.Exchanges != nil {
			if err := p.opts.Exchanges.Add(&e, p.normal, body); err != nil {
				return err
			}
		}
	}
	p.opts.Used(&e)
	return nil
}

// explained says where a request differs from the one on record.
func (p *passage) explained(k *kept, missing *CounterpartError) *CounterpartError {
	if k == nil {
		return missing
	}
	then, err := ReadBody(k.dir, k.Hash)
	if err != nil {
		missing.Differ = err.Error()
		return missing
	}
	missing.Differ = difference(then, p.normal)
	return missing
}

// difference shows where two texts begin to differ.
func difference(then, now []byte) string {
	at := 0
	for at < min(len(then), len(now)) && then[at] == now[at] {
		at++
	}
	const before, after = 40, 80
	part := func(text []byte) []byte { return text[max(at-before, 0):min(at+after, len(text))] }
	return fmt.Sprintf("at byte %d it was %q and is %q", at, part(then), part(now))
}

// repeat gives what was answered then. It costs nothing.
func (p *passage) repeat(e *Exchange, body []byte) {
	p.by = FromRecord
	h := p.w.Header()
	h.Set("Content-Type", e.Type)
	h.Set("X-Should-Retry", "false")
	p.w.WriteHeader(e.Status)
	_, _ = p.w.Write(body)
}

// unanswered refuses a request that the record does not answer.
func (p *passage) unanswered(err error) {
	p.opts.Refused(p.client.Agent, err)
	p.api.refuse(p.w, http.StatusConflict, "invalid_request_error", "troupe answers from the record alone: "+err.Error())
}
