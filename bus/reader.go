package bus

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

const (
	// batchEntries and batchBytes bound what one request brings, and by it
	// how long appends wait for the store meanwhile. A batch ends with the
	// entry that reaches the bytes.
	batchEntries = 256
	batchBytes   = 2 << 20
	// openBatches is how many requests may be open: the one that is gathered
	// and the one behind it.
	openBatches = 2
)

// A reader is a connection for reading logs. One goroutine uses it at a time.
type reader struct {
	nc    *nats.Conn
	sub   *nats.Subscription
	msgs  chan *nats.Msg // has room for all that may be under way
	gone  chan struct{}  // closed once the connection is
	inbox string         // answers arrive below it, by the number of the request
	asked int            // requests so far
	open  int            // of these, not gathered yet
}

// reader takes the idle reader, or makes one. Its user releases it.
func (b *Bus) reader() (*reader, error) {
	select {
	case r := <-b.idle:
		if r.nc.IsConnected() {
			return r, nil
		}
		r.nc.Close()
	default:
	}
	r := &reader{msgs: make(chan *nats.Msg, openBatches*(batchEntries+1)), gone: make(chan struct{})}
	var err error
	// Without reconnecting, a reader learns that the bus is closing.
	r.nc, err = b.connect("reader", nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(r.gone) }))
	if err != nil {
		return nil, err
	}
	r.inbox = r.nc.NewInbox() + "."
	if r.sub, err = r.nc.ChanSubscribe(r.inbox+"*", r.msgs); err != nil {
		r.nc.Close()
		return nil, err
	}
	return r, nil
}

// release keeps one reader for the next reading, which then connects to
// nothing. One that is still owed something is not used again.
func (b *Bus) release(r *reader) {
	if r.open == 0 {
		select {
		case b.idle <- r:
			return
		default:
		}
	}
	r.nc.Close()
}

// ask sends a request for entries from a number on.
func (r *reader) ask(stream, request string, from uint64) error {
	r.asked++
	r.open++
	reply := r.inbox + strconv.Itoa(r.asked)
	return r.nc.PublishRequest("$JS.API.DIRECT.GET."+stream, reply, fmt.Appendf(nil, request, from))
}

func (r *reader) batch(stream string, from, entries uint64) error {
	return r.ask(stream, `{"seq":%d,"batch":`+strconv.FormatUint(entries, 10)+
		`,"max_bytes":`+strconv.Itoa(batchBytes)+`,"no_hdr":true}`, from)
}

// A batch is what came of one request.
type batch struct {
	entries [][]byte
	first   uint64 // the number of the first one, where entries come with headers
	last    uint64 // the number of the last one
	pending uint64 // how many there are behind the first one, where that has headers
	status  string // what the store says at the end
}

// gather waits for the oldest open request to end.
func (r *reader) gather(ctx context.Context) (b batch, err error) {
	// Of some blocks that it cannot read, the store says nothing at all.
	ctx, cancel := context.WithTimeout(ctx, apiWait)
	defer cancel()
	subject := r.inbox + strconv.Itoa(r.asked-r.open+1)
	for {
		var m *nats.Msg
		select {
		case m = <-r.msgs:
		case <-r.gone:
			return b, nats.ErrConnectionClosed
		case <-ctx.Done():
			return b, ctx.Err()
		}
		if m.Subject != subject {
			return b, fmt.Errorf("an answer to another request came: %s", strings.TrimPrefix(m.Subject, r.inbox))
		}
		if m.Header == nil {
			b.entries = append(b.entries, m.Data)
			continue
		}
		if status := m.Header.Get("Status"); status != "" {
			r.open--
			b.status = status + " " + m.Header.Get("Description")
			b.last = number(m, "Nats-Last-Sequence")
			return b, nil
		}
		b.entries = append(b.entries, m.Data)
		b.first, b.pending = number(m, "Nats-Sequence"), number(m, "Nats-Num-Pending")
	}
}

// number is a header's value, 0 where it has none.
func number(m *nats.Msg, header string) uint64 {
	n, _ := strconv.ParseUint(m.Header.Get(header), 10, 64)
	return n
}
