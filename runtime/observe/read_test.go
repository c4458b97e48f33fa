package observe

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/troupe-dev/troupe/runtime/record"
)

// TestRead: through the socket and from the store comes the same.
func TestRead(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, true)
	for tick := range 5 {
		h.tick("r", tick, record.NotEnded)
	}
	for name, runs := range map[string]Runs{"client": c, "store": &Store{Data: h.data, Bus: h.bus}} {
		for from := range 7 {
			next := from
			err := Read(t.Context(), runs, "r", from, func(r *record.Record, hash [record.HashSize]byte) error {
				if r.Tick != next || hash == [record.HashSize]byte{} {
					t.Errorf("%s: tick %d comes as %d", name, r.Tick, next)
				}
				next++
				return nil
			})
			if err != nil || next != max(from, 5) {
				t.Errorf("%s from %d: it ends before %d: %v", name, from, next, err)
			}
		}
		if err := Read(t.Context(), runs, "none", 0, nil); !errors.Is(err, ErrNoRun) {
			t.Errorf("%s of no run: %v", name, err)
		}
		enough := errors.New("enough")
		err := Read(t.Context(), runs, "r", 0, func(*record.Record, [record.HashSize]byte) error { return enough })
		if !errors.Is(err, enough) {
			t.Errorf("%s, ended by its reader: %v", name, err)
		}
	}
}

// TestReadThatBreaks: records that are there come, and then what went wrong.
func TestReadThatBreaks(t *testing.T) {
	h, _ := open(t)
	h.run("r", 0, false)
	h.tick("r", 0, record.NotEnded)
	n := 0
	err := Read(t.Context(), breaking{&Store{Data: h.data, Bus: h.bus}}, "r", 0, func(*record.Record, [record.HashSize]byte) error {
		n++
		return nil
	})
	if n != 1 || !errors.Is(err, errGone) {
		t.Errorf("%d records, %v", n, err)
	}
}

var errGone = errors.New("the disk is gone")

type breaking struct{ Runs }

func (b breaking) Records(ctx context.Context, run string, from int, w io.Writer) error {
	return errors.Join(b.Runs.Records(ctx, run, from, w), errGone)
}
