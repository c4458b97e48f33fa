package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// connect opens a tunnel and stays until it is over.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request, c *client) {
	far, err := p.dial(r.Context(), c.list, r.Host)
	if err != nil {
		p.fail(w, c, err)
		return
	}
	defer func() { _ = far.Close() }()
	p.wg.Add(1) // the connection is none of the server's from here on
	defer p.wg.Done()
	near, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "troupe: "+err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = near.Close() }()
	t := &tunnel{idle: p.opts.Idle, near: near.(*net.TCPConn), far: far}
	defer context.AfterFunc(p.ctx, t.cut)()
	t.touch()
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	t.run(rest.Reader)
}

// A tunnel is two connections whose ends are tied together.
type tunnel struct {
	idle      time.Duration
	near, far *net.TCPConn
}

// run passes on what comes until both sides have ended. What has come from near
// already is in first, which goes on with the rest.
func (t *tunnel) run(first io.Reader) {
	var wg sync.WaitGroup
	wg.Go(func() { t.pass(t.far, first) })
	t.pass(t.near, t.far)
	wg.Wait()
}

// pass passes on one direction. Its end is passed on too, and the other goes on;
// an error ends both.
func (t *tunnel) pass(to *net.TCPConn, from io.Reader) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		t.touch()
		if n > 0 {
			if _, failed := to.Write(b[:n]); failed != nil {
				t.cut()
				return
			}
			t.touch()
		}
		if err == io.EOF {
			_ = to.CloseWrite()
			return
		}
		if err != nil {
			t.cut()
			return
		}
	}
}

// touch puts the end off: something went through, in whichever direction.
func (t *tunnel) touch() {
	until := time.Now().Add(t.idle)
	_ = t.near.SetDeadline(until)
	_ = t.far.SetDeadline(until)
}

func (t *tunnel) cut() {
	_ = t.near.Close()
	_ = t.far.Close()
}
