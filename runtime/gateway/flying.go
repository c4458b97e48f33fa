package gateway

import "context"

// fly says that the request is at the upstream, until the function that it gives is
// called. Its context ends with the gateway, or once nobody wants the answer.
func (p *passage) fly() (ctx context.Context, land func()) {
	p.over = make(chan struct{})
	ctx, cancel := context.WithCancel(p.ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying[p], p.drop = true, cancel
	return ctx, func() {
		cancel()
		p.mu.Lock()
		delete(p.flying, p)
		p.mu.Unlock()
		close(p.over)
	}
}

// orphaned follows the end of the process that asked. What is being answered is
// taken in to its end, since it is paid for; what is not is asked anew, as it may
// never be. mu is held.
func (p *passage) orphaned() {
	if p.orphan = p.begun; !p.begun {
		p.drop()
	}
}

// answering says that the upstream has begun to answer.
func (p *passage) answering() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = true
}

// await waits for the same request of a process that is gone, where it is at the
// upstream still: what is answered is this one's then. It says whether whoever asks
// is still there.
func (p *passage) await(ctx context.Context) (there bool) {
	p.mu.Lock()
	var other *passage
	for q := range p.flying {
		if q.orphan && !q.claimed && q.ex.Agent == p.ex.Agent && q.ex.Tick == p.ex.Tick && q.ex.Attempt == p.ex.Attempt && q.ex.Hash == p.ex.Hash {
			q.claimed, other = true, q
			break
		}
	}
	p.mu.Unlock()
	if other == nil {
		return true
	}
	select {
	case <-other.over:
		return true
	case <-ctx.Done():
		return false
	}
}

// remember has the answer there for requests that come again. Started either sees
// the passage or what it remembers.
func (p *passage) remember() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opts.Past.add(&p.ex, p.opts.Exchanges.dir, !p.orphan)
}
