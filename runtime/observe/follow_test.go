package observe

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/record"
)

// TestFollowersComeAndGo: some leave, which neither the others nor the run
// notice; those that stay see each tick once, to the end.
func TestFollowersComeAndGo(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, true)
	h.tick("r", 0, record.NotEnded)
	type follower struct {
		*reader
		leave context.CancelFunc
		done  chan error
	}
	var all []follower
	for range 12 {
		ctx, leave := context.WithCancel(t.Context())
		f := follower{newReader(), leave, make(chan error, 1)}
		t.Cleanup(leave)
		go func() { f.done <- c.Events(ctx, "r", 0, true, f) }()
		all = append(all, f)
	}
	for _, f := range all {
		f.await(t, 0)
	}
	for _, f := range all[:6] {
		f.leave()
	}
	h.tick("r", 1, record.NotEnded)
	h.tick("r", 2, record.EndDone)
	for _, f := range all[:6] {
		ends(t, f.done, context.Canceled)
	}
	for _, f := range all[6:] {
		f.await(t, 1)
		f.await(t, 2)
		ends(t, f.done, nil)
	}
}

// TestFollowAnInterruptedRun: it ends with the run, though the record does not.
func TestFollowAnInterruptedRun(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, true)
	done, r := make(chan error, 1), newReader()
	go func() { done <- c.Events(t.Context(), "r", 0, true, r) }()
	h.tick("r", 0, record.NotEnded)
	r.await(t, 0)
	h.live("r").Over()
	h.live("r").Over()
	ends(t, done, nil)
}

// TestStreamThatBreaks: what goes wrong after an answer began is told all the
// same.
func TestStreamThatBreaks(t *testing.T) {
	data := t.TempDir()
	l, release, err := ListenControl(data)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	defer Serve(l, broken{})()
	c := newClient(data)
	defer func() { _ = c.Close() }()
	var out strings.Builder
	if err := c.Events(t.Context(), "r", 0, false, &out); err == nil || err.Error() != "the disk is gone" || out.String() != "half" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := c.Log(t.Context(), "r", "", All, io.Discard); err == nil || err.Error() != "no disk at all" {
		t.Errorf("before it began: %v", err)
	}
}

type broken struct{ Runs }

func (broken) Events(_ context.Context, _ string, _ int, _ bool, w io.Writer) error {
	_, _ = io.WriteString(w, "half")
	return errors.New("the disk is gone")
}

func (broken) Log(context.Context, string, string, int, io.Writer) error {
	return errors.New("no disk at all")
}

// TestDeadSocket: a supervisor that was killed leaves its socket behind, which
// keeps nobody from the store and no supervisor from starting.
func TestDeadSocket(t *testing.T) {
	data := t.TempDir()
	l, err := listen(data)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	runs, err := Open(t.Context(), data, "ps")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := runs.(*opened); !ok {
		t.Errorf("got %T, want the store", runs)
	}
	if list, err := runs.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if err := runs.Close(); err != nil {
		t.Error(err)
	}
	l, release, err := ListenControl(data)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.Start(bus.Options{Dir: data + "/bus"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer release()
	defer Serve(l, &Store{Data: data, Bus: b})()
	runs, err = Open(t.Context(), data, "ps")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := runs.(*client); !ok {
		t.Errorf("got %T, want the supervisor's client", runs)
	}
	if err := runs.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoDataDirectory(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir()+"/none", "ps"); err == nil || !strings.Contains(err.Error(), "--data or TROUPE_DATA") {
		t.Errorf("got %v", err)
	}
}
