package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors that callers tell apart.
var (
	ErrNoStream     = errors.New("there is no such run in the store")
	ErrStreamExists = errors.New("a run of that name is in the store already: remove it with troupe rm")
)

var errMissing = errors.New("there is no such entry")

// apiWait is how long the store may take to answer a request.
const apiWait = 10 * time.Second

// nonceKey in a stream's metadata makes each creation unlike every other: the
// server takes a second creation with equal settings for no error.
const nonceKey = "troupe-nonce"

// dedupe is for how long the server is to know what entries are called, which
// ours are not: when it starts, it reads all that are younger. It is the
// shortest time that the server takes.
const dedupe = 100 * time.Millisecond

// A Stream is the stored log of one run: payloads numbered from 1 without
// gaps. One Stream appends to a log at a time; reading may go on beside it
// from any number of goroutines.
type Stream struct {
	bus     *Bus
	name    string
	subject string

	mu     sync.Mutex // held by an append, and by Close
	writer *writer    // nil until the first append

	survey *survey // of what it had when the bus was started
}

// CreateStream makes the empty log of a run that has none; where it has one
// the error is ErrStreamExists.
func (b *Bus) CreateStream(run string) (*Stream, error) {
	if err := CheckToken(run); err != nil {
		return nil, fmt.Errorf("cannot make a log: run %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), apiWait)
	defer cancel()
	if err := b.makeStream(ctx, run); err != nil {
		return nil, err
	}
	return b.stream(run), nil
}

// storeFailed is the server's code for a log whose files it could not make; why, it
// tells its own log alone.
const storeFailed jetstream.ErrorCode = 10049

// makeTries is how often a log is made whose files could not be. The server removes
// the directory of all logs once it has become empty, by and by: one that is made just
// then finds it gone.
const makeTries = 5

func (b *Bus) makeStream(ctx context.Context, run string) error {
	for try := 1; ; try++ {
		_, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:        run,
			Subjects:    []string{Log(run)},
			Storage:     jetstream.FileStorage,
			Replicas:    1,
			DenyDelete:  true,
			DenyPurge:   true,
			AllowDirect: true,
			Duplicates:  dedupe,
			Metadata:    map[string]string{nonceKey: randomHex(8)},
		})
		if err == nil {
			return nil
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return fmt.Errorf("cannot make the log of %s: %w", run, ErrStreamExists)
		}
		full := b.tryRoom()
		var why *jetstream.APIError
		if full == nil && try < makeTries && errors.As(err, &why) && why.ErrorCode == storeFailed {
			time.Sleep(time.Duration(try) * time.Millisecond)
			continue
		}
		return errors.Join(fmt.Errorf("cannot make the log of %s: %w", run, err), full)
	}
}

// tryRoom says whether the disk takes as many files as a new log has, and
// something in them.
func (b *Bus) tryRoom() (err error) {
	top, err := os.MkdirTemp(b.dir, ".probe-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(top)) }()
	for _, dir := range []string{"msgs", "obs"} {
		if err := os.Mkdir(filepath.Join(top, dir), 0o700); err != nil {
			return err
		}
	}
	for _, file := range []string{"meta.inf", "meta.sum", "probe", "msgs/1.blk", "msgs/index.db"} {
		if err := os.WriteFile(filepath.Join(top, file), make([]byte, 4<<10), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// OpenStream is the log of a run that has one; else the error is ErrNoStream.
func (b *Bus) OpenStream(run string) (*Stream, error) {
	if err := CheckToken(run); err != nil {
		return nil, fmt.Errorf("cannot open a log: run %w", err)
	}
	s := b.stream(run)
	ctx, cancel := context.WithTimeout(context.Background(), apiWait)
	defer cancel()
	if _, err := s.Last(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (b *Bus) stream(run string) *Stream {
	return &Stream{bus: b, name: run, subject: Log(run), survey: b.ledger.of(run)}
}

// DeleteStream removes a run's log from the disk; where there is none the
// error is ErrNoStream.
func (b *Bus) DeleteStream(run string) error {
	if err := CheckToken(run); err != nil {
		return fmt.Errorf("cannot delete a log: run %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), apiWait)
	defer cancel()
	if err := b.js.DeleteStream(ctx, run); err != nil {
		return fmt.Errorf("cannot delete the log of %s: %w", run, known(err))
	}
	err := b.sweep(ctx, run)
	if err == nil {
		err = b.ledger.forget(run)
	}
	if err != nil {
		return fmt.Errorf("cannot delete the log of %s: %w", run, err)
	}
	return nil
}

// sweep waits until the files of a deleted log are gone. The server moves them aside
// and deletes them there by and by. Where those of another log of the name are there
// still, it leaves them where they are, says that all is well, and gives them to the
// next log of the name.
func (b *Bus) sweep(ctx context.Context, run string) error {
	dir := streamsDir(b.dir)
	for {
		switch _, err := os.Lstat(filepath.Join(dir, "."+run)); {
		case errors.Is(err, fs.ErrNotExist):
			left := filepath.Join(dir, run)
			if _, err := os.Lstat(filepath.Join(left, "meta.inf")); err == nil {
				return nil // another log by now: of a deleted one that goes first
			}
			return os.RemoveAll(left)
		case err != nil:
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Streams are the runs that have a log, sorted.
func (b *Bus) Streams() ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), apiWait)
	defer cancel()
	lister := b.js.StreamNames(ctx)
	var names []string
	for name := range lister.Name() {
		names = append(names, name)
	}
	if err := lister.Err(); err != nil {
		return nil, fmt.Errorf("cannot list the logs: %w", err)
	}
	sort.Strings(names)
	return names, nil
}

func known(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return ErrNoStream
	}
	return err
}

// Close lets go of what appending needed. The log stays.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writer != nil {
		s.writer.close()
		s.writer = nil
	}
}

// Last is the number of the newest payload, 0 when there is none. Where the
// store has lost it, reading it is a *DamageError.
func (s *Stream) Last(ctx context.Context) (uint64, error) {
	last, err := s.end(ctx)
	if err != nil {
		return 0, err
	}
	return max(last, s.survey.held()), nil
}

// Damaged says whether an entry is known to be lost or damaged. Not all that are
// have been found before all has been read.
func (s *Stream) Damaged() bool { return s.survey.damage() > 0 }

// end is the number of the newest payload that the store has.
func (s *Stream) end(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, apiWait)
	defer cancel()
	m, err := s.bus.nc.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+s.name, nil)
	if err != nil {
		return 0, fmt.Errorf("cannot find the end of the log of %s: %w", s.name, s.bus.explain(err))
	}
	var info struct {
		Error *jetstream.APIError `json:"error"`
		State struct {
			LastSeq uint64 `json:"last_seq"`
		} `json:"state"`
	}
	if err := json.Unmarshal(m.Data, &info); err != nil {
		return 0, fmt.Errorf("cannot find the end of the log of %s: %w", s.name, err)
	}
	if info.Error != nil {
		err := error(info.Error)
		if info.Error.ErrorCode == jetstream.JSErrCodeStreamNotFound {
			err = ErrNoStream
		}
		return 0, fmt.Errorf("cannot find the end of the log of %s: %w", s.name, err)
	}
	return info.State.LastSeq, nil
}

// Get is one payload by its number. The caller owns it. One that was there and
// is lost is a *DamageError.
func (s *Stream) Get(ctx context.Context, seq uint64) ([]byte, error) {
	if seq == 0 {
		return nil, fmt.Errorf("cannot read entry 0 of the log of %s: they count from 1", s.name)
	}
	payload, err := s.get(ctx, seq)
	if errors.Is(err, errMissing) {
		if last, lastErr := s.Last(ctx); lastErr == nil && seq <= last {
			err = errLost
		}
	}
	if err != nil {
		return nil, s.unread(seq, err)
	}
	return payload, nil
}

// ReadLast is the newest payload and its number; 0 and nil when there is none.
func (s *Stream) ReadLast(ctx context.Context) (seq uint64, payload []byte, err error) {
	last, err := s.Last(ctx)
	if err != nil || last == 0 {
		return 0, nil, err
	}
	payload, err = s.Get(ctx, last)
	return last, payload, err
}

func (s *Stream) get(ctx context.Context, seq uint64) ([]byte, error) {
	if safe, err := s.survey.through(seq, seq); err != nil {
		return nil, err
	} else if safe < seq {
		return s.getSalvaged(seq)
	}
	ctx, cancel := context.WithTimeout(ctx, apiWait)
	defer cancel()
	m, err := s.bus.nc.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+s.name, fmt.Appendf(nil, `{"seq":%d}`, seq))
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, fmt.Errorf("%w, or the store has stopped", ErrNoStream)
	}
	if err != nil {
		return nil, err
	}
	switch status := m.Header.Get("Status"); status {
	case "":
		return m.Data, nil
	case "404":
		return nil, errMissing
	default:
		return nil, fmt.Errorf("the store says: %s %s", status, strings.ToLower(m.Header.Get("Description")))
	}
}

// getSalvaged is an entry of a block that does not hold.
func (s *Stream) getSalvaged(seq uint64) (got []byte, err error) {
	_, err = s.survey.salvage(seq, func(at uint64, payload []byte) error {
		if at == seq {
			got = bytes.Clone(payload)
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return got, nil
	case err == nil:
		err = errSpoilt
	}
	return nil, err
}

// explain adds the server's newest error line to an error that says only that
// nobody answered.
func (b *Bus) explain(err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) {
		return b.log.blame(err, 0)
	}
	return err
}
