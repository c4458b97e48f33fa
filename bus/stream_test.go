package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
)

func create(t testing.TB, b *Bus, run string) *Stream {
	t.Helper()
	s, err := b.CreateStream(run)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func appendAll(t testing.TB, s *Stream, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := s.Append(context.Background(), []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
}

func readAll(t testing.TB, s *Stream, from uint64) []string {
	t.Helper()
	var got []string
	err := s.Read(context.Background(), from, func(seq uint64, p []byte) error {
		got = append(got, fmt.Sprintf("%d:%s", seq, p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestStreamLife(t *testing.T) {
	b := start(t, Options{})
	if _, err := b.OpenStream("r1"); !errors.Is(err, ErrNoStream) {
		t.Errorf("opening none: %v", err)
	}
	if err := b.DeleteStream("r1"); !errors.Is(err, ErrNoStream) {
		t.Errorf("deleting none: %v", err)
	}
	s := create(t, b, "r1")
	create(t, b, "a0")
	if _, err := b.CreateStream("r1"); !errors.Is(err, ErrStreamExists) {
		t.Errorf("making it twice: %v", err)
	}
	if names, err := b.Streams(); err != nil || !slices.Equal(names, []string{"a0", "r1"}) {
		t.Errorf("Streams() = %q, %v", names, err)
	}
	if seq, p, err := s.ReadLast(t.Context()); seq != 0 || p != nil || err != nil {
		t.Errorf("the last of an empty log: %d, %q, %v", seq, p, err)
	}
	if got := readAll(t, s, 1); got != nil {
		t.Errorf("an empty log reads %q", got)
	}
	if err := b.DeleteStream("r1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Last(t.Context()); !errors.Is(err, ErrNoStream) {
		t.Errorf("the end of a deleted log: %v", err)
	}
	if _, err := s.Get(t.Context(), 1); !errors.Is(err, ErrNoStream) {
		t.Errorf("an entry of a deleted log: %v", err)
	}
	if err := s.Append(t.Context(), []byte("x")); !errors.Is(err, ErrNoStream) {
		t.Errorf("appending to a deleted log: %v", err)
	}
	for _, bad := range []string{"", "a.b", ">", "a/b"} {
		if _, err := b.CreateStream(bad); err == nil {
			t.Errorf("CreateStream(%q) takes it", bad)
		}
		if _, err := b.OpenStream(bad); err == nil {
			t.Errorf("OpenStream(%q) takes it", bad)
		}
		if err := b.DeleteStream(bad); err == nil {
			t.Errorf("DeleteStream(%q) takes it", bad)
		}
	}
}

func TestAppendAndReadAcrossRestart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	appendAll(t, create(t, b, "r"), "one", "two")
	b.Close()

	b = start(t, Options{Dir: dir, SyncAlways: true})
	s, err := b.OpenStream("r")
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, s, "three")
	if got, want := readAll(t, s, 0), []string{"1:one", "2:two", "3:three"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	if got, want := readAll(t, s, 3), []string{"3:three"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	if got := readAll(t, s, 4); got != nil {
		t.Errorf("read %q beyond the end", got)
	}
	if seq, p, err := s.ReadLast(t.Context()); seq != 3 || string(p) != "three" || err != nil {
		t.Errorf("the last is %d, %q, %v", seq, p, err)
	}
	if p, err := s.Get(t.Context(), 2); string(p) != "two" || err != nil {
		t.Errorf("entry 2 is %q, %v", p, err)
	}
	for _, seq := range []uint64{0, 4} {
		if _, err := s.Get(t.Context(), seq); err == nil {
			t.Errorf("entry %d is there", seq)
		}
	}
	s.Close()
	appendAll(t, s, "four") // closing lets go of resources alone
}

func TestReadManyAndLarge(t *testing.T) {
	b := start(t, Options{})
	s := create(t, b, "r")
	var want []int
	add := func(n int) {
		if err := s.Append(t.Context(), bytes.Repeat([]byte{byte(len(want))}, n)); err != nil {
			t.Fatal(err)
		}
		want = append(want, n)
	}
	for range 2*batchEntries + 5 {
		add(10)
	}
	for range 6 {
		add(MaxPayload - 1024) // more than one pull may hold
	}
	i := 0
	err := s.Read(t.Context(), 1, func(seq uint64, p []byte) error {
		if seq != uint64(i+1) || len(p) != want[i] || p[0] != byte(i) {
			t.Errorf("entry %d: number %d, %d bytes", i+1, seq, len(p))
		}
		i++
		return nil
	})
	if err != nil || i != len(want) {
		t.Errorf("read %d of %d: %v", i, len(want), err)
	}
	if err := s.Append(t.Context(), make([]byte, MaxPayload)); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("an entry that is too large: %v", err)
	}
	add(1)
}

func TestReadStops(t *testing.T) {
	b := start(t, Options{})
	s := create(t, b, "r")
	appendAll(t, s, "one", "two")
	enough := errors.New("enough")
	if err := s.Read(t.Context(), 1, func(uint64, []byte) error { return enough }); !errors.Is(err, enough) || err.Error() != enough.Error() {
		t.Errorf("got %v, want the callback's own error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Read(ctx, 1, func(uint64, []byte) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want cancellation", err)
	}
}

func TestReadBesideAppends(t *testing.T) {
	b := start(t, Options{})
	s := create(t, b, "r")
	appendAll(t, s, "0")
	const n = 500
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for more := true; more; {
				select {
				case <-done:
					more = false
				default:
				}
				next := 0
				err := s.Read(t.Context(), 1, func(seq uint64, p []byte) error {
					if string(p) != fmt.Sprint(next) {
						return fmt.Errorf("entry %d is %q", seq, p)
					}
					next++
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := 1; i <= n; i++ {
		appendAll(t, s, fmt.Sprint(i))
	}
	close(done)
	wg.Wait()
	if last, err := s.Last(t.Context()); last != n+1 || err != nil {
		t.Errorf("the log ends at %d (%v), want %d", last, err, n+1)
	}
}

// A writer that lost an acknowledgement finds its payload stored, and neither
// stores it twice nor gives up.
func TestAppendAfterALostAcknowledgement(t *testing.T) {
	b := start(t, Options{})
	s := create(t, b, "r")
	appendAll(t, s, "one")
	// The payload arrives by another way first, as a send whose
	// acknowledgement was lost would have.
	behind := nats.NewMsg(Log("r"))
	behind.Data = []byte("two")
	if _, err := b.js.PublishMsg(t.Context(), behind); err != nil {
		t.Fatal(err)
	}
	appendAll(t, s, "two", "three")
	if got, want := readAll(t, s, 1), []string{"1:one", "2:two", "3:three"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestAppendRefusesASecondWriter(t *testing.T) {
	b := start(t, Options{})
	s := create(t, b, "r")
	appendAll(t, s, "one")
	other, err := b.OpenStream("r")
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, other, "two")
	for range 2 { // it stays refused
		if err := s.Append(t.Context(), []byte("mine")); err == nil || !strings.Contains(err.Error(), "somebody else has appended entry 2") {
			t.Errorf("got %v", err)
		}
	}
	if got, want := readAll(t, s, 1), []string{"1:one", "2:two"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestAppendWhenCancelled(t *testing.T) {
	b := start(t, Options{})
	s := create(t, b, "r")
	appendAll(t, s, "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(ctx, []byte("two")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := s.Append(t.Context(), []byte("two")); err == nil {
		t.Error("an append goes on after one of unknown end")
	}
	again, err := b.OpenStream("r")
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, again, "two")
}

func TestAppendToAFullStore(t *testing.T) {
	b := start(t, Options{MaxStore: 64 << 10})
	s := create(t, b, "r")
	var err error
	for range 100 {
		if err = s.Append(t.Context(), make([]byte, 4<<10)); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "insufficient") {
		t.Errorf("got %v, want a word about insufficient storage", err)
	}
}

func TestAppendAfterClose(t *testing.T) {
	b := start(t, Options{})
	s := create(t, b, "r")
	appendAll(t, s, "one")
	b.Close()
	if err := s.Append(t.Context(), []byte("two")); err == nil {
		t.Error("an append works on a closed bus")
	}
}

// Readings one after the other, and those that were left early, share nothing
// but the connection that is kept for the next.
func TestReadAgain(t *testing.T) {
	b := start(t, Options{})
	s, other := create(t, b, "r"), create(t, b, "other")
	for i := range batchEntries + 2 {
		appendAll(t, s, fmt.Sprint(i))
	}
	appendAll(t, other, "0")
	enough := errors.New("enough")
	for _, stop := range []uint64{1, 2, batchEntries, batchEntries + 2, 0} {
		err := s.Read(t.Context(), 1, func(seq uint64, p []byte) error {
			if string(p) != fmt.Sprint(seq-1) {
				t.Errorf("entry %d is %q", seq, p)
			}
			if seq == stop {
				return enough
			}
			return nil
		})
		if (stop == 0) != (err == nil) {
			t.Errorf("left at %d: %v", stop, err)
		}
		if got := readAll(t, other, 1); !slices.Equal(got, []string{"1:0"}) {
			t.Errorf("the other log reads %q", got)
		}
		if got := readAll(t, other, 2); got != nil {
			t.Errorf("beyond its end, %q", got)
		}
	}
	if len(b.idle) != 1 {
		t.Error("no connection is kept for the next reading")
	}
}

// What is appended while a log is read is left to the next reading.
func TestReadEndsWhereItBegan(t *testing.T) {
	b := start(t, Options{})
	s := create(t, b, "r")
	appendAll(t, s, "one", "two")
	n := 0
	err := s.Read(t.Context(), 1, func(uint64, []byte) error {
		n++
		return s.Append(t.Context(), []byte("more"))
	})
	if err != nil || n != 2 {
		t.Errorf("read %d entries of 2: %v", n, err)
	}
}

func TestReadOnAClosedBus(t *testing.T) {
	b := start(t, Options{})
	s := create(t, b, "r")
	appendAll(t, s, "one", "two")
	err := s.Read(t.Context(), 1, func(uint64, []byte) error { b.Close(); return nil })
	if err == nil {
		err = s.Read(t.Context(), 1, func(uint64, []byte) error { return nil }) // the batch was here already
	}
	if err == nil {
		t.Error("a closed bus can be read")
	}
}

// A log that is made again and again under one name is empty each time: the server
// deletes files by and by, and has been seen to leave them to the next log.
func TestANameIsFreeOnceItsLogIsDeleted(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir()})
	for i := range 50 {
		s := create(t, b, "r")
		if n, err := s.Last(t.Context()); n != 0 || err != nil {
			t.Fatalf("log %d begins with %d entries: %v", i, n, err)
		}
		appendAll(t, s, "a", "b", "c")
		s.Close()
		if err := b.DeleteStream("r"); err != nil {
			t.Fatal(err)
		}
	}
}
