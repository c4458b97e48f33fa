// Package bus is the one NATS server of a supervisor: in-process, with the
// store of every run's log, the builder of all subjects, and credentials for
// observers that may look and not touch.
package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// MaxPayload is the largest payload, in bytes, that the bus carries.
const MaxPayload = 8 << 20

// maxSubscriptions is how many a connection may have, the supervisor's included,
// which has one for each agent on the bus.
const maxSubscriptions = 1 << 16

// reconnectWait is between attempts of an in-process connection that the
// server cut.
const reconnectWait = 10 * time.Millisecond

// closeWait is how long closing waits for the server to read what was
// published: it is in this process, and unless it is broken answers at once.
const closeWait = time.Second

// Options say how a bus is started. Only Dir is required.
type Options struct {
	Dir        string       // of the store; made (0700) where it is missing
	Listen     string       // host:port for other processes, port 0 for any free one; empty for none
	SyncAlways bool         // fsync each append before it is acknowledged
	Room       int64        // bytes that must be free on the disk; 0 for who only reads and removes
	MaxStore   int64        // bytes that all streams together may take; 0 for no limit but the disk's
	Log        *slog.Logger // of the server's own messages; nil drops them
}

// A Bus is a running server and the supervisor's connection to it. Its methods
// may be called by any number of goroutines.
type Bus struct {
	srv    *server.Server
	nc     *nats.Conn
	js     jetstream.JetStream
	users  *users
	log    *serverLog
	dir    string // of the store, absolute
	ledger *ledger
	sync   bool         // each append, before it is acknowledged
	idle   chan *reader // at most one, for the next reading
	close  sync.Once
}

// Start brings up the server with its store and connects to it. It returns
// once both can be used. The caller closes the bus.
func Start(o Options) (*Bus, error) {
	dir, err := prepareDir(o.Dir, o.Room)
	if err != nil {
		return nil, err
	}
	b := &Bus{users: newUsers(), log: newServerLog(o.Log), dir: dir, sync: o.SyncAlways, idle: make(chan *reader, 1)}
	heal, err := b.recover()
	if err != nil {
		return nil, fmt.Errorf("cannot start the bus: %w", err)
	}
	opts := serverOptions(o, dir)
	opts.CustomClientAuthentication = b.users
	if o.Listen != "" {
		if opts.Host, opts.Port, err = splitListen(o.Listen); err != nil {
			return nil, err
		}
		opts.DontListen = false
	}
	if b.srv, err = server.NewServer(opts); err != nil {
		return nil, fmt.Errorf("cannot set up the bus: %w", err)
	}
	b.users.srv = b.srv
	b.srv.SetLoggerV2(b.log, false, false, false)
	b.srv.Start()
	if err := b.log.fatal(); err != nil {
		b.Close()
		return nil, fmt.Errorf("cannot start the bus: %w", err)
	}
	if b.nc, err = b.connect("supervisor"); err != nil {
		b.Close()
		return nil, fmt.Errorf("cannot connect to the bus just started: %w", err)
	}
	if b.js, err = jetstream.New(b.nc); err != nil {
		b.Close()
		return nil, fmt.Errorf("cannot use the store of the bus: %w", err)
	}
	for _, run := range heal {
		if _, err := b.CreateStream(run); err != nil {
			b.Close()
			return nil, err
		}
	}
	return b, nil
}

func serverOptions(o Options, dir string) *server.Options {
	store := o.MaxStore
	if store <= 0 {
		store = math.MaxInt64 / 2
	}
	return &server.Options{
		ServerName:             "troupe",
		DontListen:             true,
		NoSigs:                 true,
		MaxPayload:             MaxPayload,
		NoFastProducerStall:    true, // a slow observer is cut off; it never holds up the supervisor
		MaxSubs:                maxSubscriptions,
		PingInterval:           20 * time.Second, // a program whose machine is gone is found out within a minute
		JetStream:              true,
		StoreDir:               dir,
		SyncAlways:             o.SyncAlways,
		JetStreamMaxMemory:     16 << 20, // nothing is kept in it; the default is a share of the host's
		JetStreamMaxStore:      store,
		DisableJetStreamBanner: true,
	}
}

// prepareDir makes the store's directory and proves that it can be written, and
// that there is room, since the server's own error does not say why it cannot.
func prepareDir(dir string, room int64) (string, error) {
	if dir == "" {
		return "", errors.New("cannot start the bus: no directory is given for its store")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("cannot start the bus in %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", fmt.Errorf("cannot make the directory of the bus: %w; choose another data directory", err)
	}
	if err := removeProbes(abs); err != nil {
		return "", fmt.Errorf("cannot tidy the directory of the bus: %w", err)
	}
	f, err := os.CreateTemp(abs, ".probe-")
	if err != nil {
		return "", fmt.Errorf("cannot write in the directory of the bus: %w; choose another data directory", err)
	}
	_, err = f.Write(make([]byte, room))
	err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	if err != nil {
		return "", fmt.Errorf("cannot write in the directory of the bus: %w; free some space or choose another data directory", err)
	}
	return abs, nil
}

// removeProbes removes the files by which a bus that was killed over it had proved that
// it can write: our own, and the server's (jetstream.go: enableJetStream).
func removeProbes(dir string) error {
	for _, pattern := range []string{".probe-*", filepath.Join("jetstream", "_test_*")} {
		names, err := fs.Glob(os.DirFS(dir), filepath.ToSlash(pattern))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckListen says why Listen of Options cannot be that address, or nil.
func CheckListen(listen string) error {
	_, _, err := splitListen(listen)
	return err
}

func splitListen(listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("cannot listen on %q: %w; give host:port, such as 127.0.0.1:4222", listen, err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("cannot listen on %q: the port must be a number from 0 to 65535", listen)
	}
	if n == 0 {
		return host, server.RANDOM_PORT, nil
	}
	return host, int(n), nil
}

// connect makes an in-process connection that may do everything.
func (b *Bus) connect(name string, more ...nats.Option) (*nats.Conn, error) {
	return nats.Connect("", append([]nats.Option{
		nats.Name(name),
		nats.InProcessServer(b.srv),
		nats.UserInfo(supervisorUser, b.users.secret),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.SkipSubjectValidation(), // this package builds the subjects
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Warnf("connection %s: %v", name, err)
		}),
	}, more...)...)
}

// Addr is where other processes connect, or "" when the bus does not listen.
func (b *Bus) Addr() string {
	if a := b.srv.Addr(); a != nil {
		return a.String()
	}
	return ""
}

// Port is that of Addr, 0 where the bus does not listen.
func (b *Bus) Port() int {
	if a, ok := b.srv.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

// Publish hands a message to the server. It is buffered: it does not wait for
// the server to have it, and subscribers that are slow lose their connection
// rather than holding it up. Data may be reused once it returns.
func (b *Bus) Publish(subject string, data []byte) error {
	if err := b.nc.Publish(subject, data); err != nil {
		return fmt.Errorf("cannot publish on %s: %w", subject, err)
	}
	return nil
}

// Heard says whether what is published now could reach anybody: whether there
// is a client beside the supervisor. Whoever has had the answer to a flush
// after subscribing is one, until it goes.
func (b *Bus) Heard() bool { return b.users.present() }

// Awaited says whether a client beside the supervisor has subscribed to
// something, and so gets what is published from now on.
func (b *Bus) Awaited() bool { return b.users.subscribed() }

// Flush waits until the server has all that was published before.
func (b *Bus) Flush(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, apiWait)
		defer cancel()
	}
	if err := b.nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("cannot flush the bus: %w", err)
	}
	return nil
}

// Close lets the server pass on what was published, cuts every connection,
// stops the server with its store and waits for both. Further calls wait for
// the first and do nothing.
func (b *Bus) Close() {
	b.close.Do(func() {
		if b.nc != nil {
			// Else the server may cut the observers off before it has read it.
			_ = b.nc.FlushTimeout(closeWait)
			b.nc.Close()
		}
		select {
		case r := <-b.idle:
			r.nc.Close()
		default: // readers at work are cut off, and close themselves then
		}
		b.srv.Shutdown()
		b.srv.WaitForShutdown()
	})
}
