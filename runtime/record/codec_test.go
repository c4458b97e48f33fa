package record

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/troupe-dev/troupe/runtime/tree"
)

func TestRoundTrip(t *testing.T) {
	m := newMaker(1)
	d := newDecoder() // one for all, so that what it remembers is tried too
	var p packer
	for tick := range 3000 {
		want := m.record(tick)
		if tick%500 == 0 {
			want = m.large(tick, 3*blockSize/2)
		}
		if tick%7 == 0 {
			want.End = EndDone
		}
		hashed := appendHashed(nil, want)
		body := appendTail(appendAnnex(hashed, &want.Annex), want)
		hash := sha256.Sum256(hashed)
		packed, err := p.frame(nil, &hash, len(hashed), body)
		if err != nil {
			t.Fatal(err)
		}
		f, err := unframe(packed)
		if err != nil {
			t.Fatal(err)
		}
		if f.hash != hash || !bytes.Equal(f.hashed, hashed) {
			t.Fatalf("tick %d: the frame holds something else", tick)
		}
		got, err := d.record(f.hashed, f.annex)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("tick %d: got\n%+v\nwant\n%+v", tick, got, want)
		}
	}
}

// What is announced behind the annex is there, in order, and of messages that are.
func TestTailIsChecked(t *testing.T) {
	hashed := appendHashed(nil, &Record{Messages: []Message{{From: "a"}, {From: "b"}}})
	annex := appendAnnex(nil, &Annex{})
	for _, tail := range []string{"\x00", "\x01\x02", "\x02\x01\x00", "\x02\x00\x00", "\x01", "\x01\x00\x00"} {
		if _, err := newDecoder().record(hashed, append(bytes.Clone(annex), tail...)); !errors.Is(err, errMalformed) {
			t.Errorf("%q: %v", tail, err)
		}
	}
	r, err := newDecoder().record(hashed, append(bytes.Clone(annex), "\x01\x01"...))
	if err != nil || r.Messages[0].Refused || !r.Messages[1].Refused {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = newDecoder().record(hashed, append(bytes.Clone(annex), "\x00\x02"...)) // none is refused, and the observes took 1 ns
	if err != nil || r.Messages[0].Refused || r.Annex.Elapsed.Observe != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// The layout is a contract: a record made by hand must stay these bytes.
func TestHashedLayout(t *testing.T) {
	r := &Record{
		Tick: 300,
		Turns: []Turn{
			{Agent: "a", Observation: []byte(`{}`), Action: []byte(`1`), Done: true},
			{Agent: "b", Observation: []byte(`2`), Failure: "deadline", Policy: "skip", Unsent: true},
		},
		Messages: []Message{{From: "a", Channel: "sq", Body: []byte(`"hi"`)}},
		Results:  []Result{{"a", []byte(`[]`)}},
		Scores:   []Score{{"a", []byte(`1.5`)}},
		Events:   [][]byte{[]byte(`{}`)},
		Columns:  []Column{{"n", []byte(`7`)}},
		Added:    []Added{{"c", []byte(`{}`)}},
		Removed:  []string{"b"},
		Channels: []Channel{{"sq", []string{"a", "c"}}},
		End:      EndDone,
		Annex:    Annex{Timed: 1}, // not in it
	}
	want := "\xac\x02" +
		"\x02" + "\x01a" + "\x02{}" + "\x00" + "\x00" + "\x011" + "\x01" +
		"\x01b" + "\x012" + "\x08deadline" + "\x04skip" + "\x00" + "\x02" +
		"\x01" + "\x01a" + "\x00" + "\x02sq" + "\x04\"hi\"" +
		"\x01" + "\x01a" + "\x02[]" +
		"\x01" + "\x01a" + "\x031.5" +
		"\x01" + "\x02{}" +
		"\x01" + "\x01n" + "\x017" +
		"\x01" + "\x01c" + "\x02{}" +
		"\x01" + "\x01b" +
		"\x01" + "\x02sq" + "\x02" + "\x01a" + "\x01c" +
		"\x04done"
	if got := appendHashed(nil, r); string(got) != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	// Faults stand behind the rest, and leave no trace where there are none.
	r.Messages = append(r.Messages, Message{From: "b", To: "a", Fate: &Fate{Copies: 2, Delay: 300}})
	r.Messages[0].Fate = &Fate{Copies: 1, Cut: 3}
	r.Partitions = []Partition{{[][]string{{"a"}, {"b", "c*"}}}}
	want = strings.Replace(want, "\x01\x01a\x00\x02sq\x04\"hi\"", "\x02\x01a\x00\x02sq\x04\"hi\"\x01b\x01a\x00\x00", 1) +
		"\x02" + "\x00\x01\x00\x03" + "\x01\x02\xac\x02\x00" +
		"\x01" + "\x02" + "\x01\x01a" + "\x02\x01b\x02c*"
	if got := appendHashed(nil, r); string(got) != want {
		t.Errorf("with faults: got\n%q\nwant\n%q", got, want)
	}
}

// What came about in the shared tree stands behind faults, which are there then
// though there were none, and leaves no trace where there is none.
func TestSharedLayout(t *testing.T) {
	r := &Record{Tick: 1}
	plain := string(appendHashed(nil, r))
	r.Commits = []tree.Commit{{Number: 300, Author: "a", Position: 1, Message: "m", Changes: []tree.Change{
		{Path: "d/f", Exec: true, Content: []byte("x")}, {Path: "g", Base: 7, Delete: true},
	}}}
	r.Leases = []tree.Step{{Agent: "a", Position: 2, What: tree.Ended, Ticket: 3, Token: 4, TTL: 5, Paths: []string{"d"}, Why: "w"}}
	want := plain + "\x00\x00" +
		"\x01" + "\xac\x02" + "\x01a" + "\x01" + "\x01m" + "\x02" + "\x03d/f\x02\x01x" + "\x01g\x01\x00" +
		"\x01" + "\x01a" + "\x02" + "\x05ended" + "\x03\x04\x05" + "\x01\x01d" + "\x01w"
	if got := appendHashed(nil, r); string(got) != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	for _, tail := range []string{"\x00\x00\x00\x00", "\x00\x00\x00", want[len(plain):] + "\x00"} {
		if _, err := newDecoder().record([]byte(plain+tail), appendAnnex(nil, &Annex{})); !errors.Is(err, errMalformed) {
			t.Errorf("%q is taken: %v", tail, err)
		}
	}
}

// What says that there were faults says which.
func TestDecodeRefusesFaults(t *testing.T) {
	r := &Record{Messages: []Message{{From: "a"}, {From: "b"}}}
	plain := appendHashed(nil, r)
	for name, tail := range map[string]string{
		"none":                   "\x00\x00",
		"no such message":        "\x01\x02\x01\x00\x00\x00",
		"a message twice":        "\x02\x00\x01\x00\x00\x00\x01\x00\x00\x00",
		"messages out of order":  "\x02\x01\x01\x00\x00\x00\x01\x00\x00\x00",
		"too many copies":        "\x01\x00\x80\x80\x80\x08\x00\x00\x00",
		"no partitions are said": "\x01\x00\x01\x00\x00",
		"more behind":            "\x01\x00\x01\x00\x00\x00\x00",
	} {
		if _, err := newDecoder().record(append(bytes.Clone(plain), tail...), appendAnnex(nil, &Annex{})); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a turn took is in it under the realtime clock, and nothing otherwise.
func TestTakenLayout(t *testing.T) {
	r := &Record{Tick: 9, Turns: []Turn{{Agent: "a", Action: []byte(`1`), Done: true, Taken: &Taken{Tick: 7, Messages: 200, Results: 1, Redelivered: 2}}}}
	want := "\x09" + "\x01" + "\x01a" + "\x00" + "\x00" + "\x00" + "\x011" + "\x05" + "\x07\xc8\x01\x01\x02" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	if got := appendHashed(nil, r); string(got) != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestHashChain(t *testing.T) {
	l := Create(newMemory(), [HashSize]byte{})
	mustAppend(t, l, &Record{Tick: 0})
	got := mustAppend(t, l, &Record{Tick: 1, Annex: Annex{Timed: 9}})
	first := sha256.Sum256(make([]byte, 32+11)) // tick 0, nine empty lists, no end
	second := sha256.Sum256(append(first[:], "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...))
	if got != second {
		t.Errorf("the chain comes to %x, want %x", got, second)
	}
}

func TestUnframeRefuses(t *testing.T) {
	var p packer
	var hash [HashSize]byte
	body := bytes.Repeat([]byte("compressible "), 100)
	packed, err := p.frame(nil, &hash, 10, body)
	if err != nil {
		t.Fatal(err)
	}
	if packed[1] != 1 || len(packed) >= len(body) {
		t.Fatalf("%d bytes are packed into %d", len(body), len(packed))
	}
	for n := range len(packed) {
		if _, err := unframe(packed[:n]); !errors.Is(err, errFrame) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(packed), err)
		}
	}
	change := func(at int, to byte) []byte {
		q := bytes.Clone(packed)
		q[at] = to
		return q
	}
	huge := append(bytes.Clone(packed[:frameHead]), 0, 5)
	huge = append(huge, 0xff, 0xff, 0xff, 0xff, 0x0f) // a block that says it holds 4 GiB
	for name, in := range map[string][]byte{
		"another version": change(0, 2),
		"another packing": change(1, 2),
		"a huge block":    huge,
		"all is hashed":   change(frameHead, 0xff),
	} {
		if _, err := unframe(in); !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	m := newMaker(2)
	for tick := range 20 {
		r := m.record(tick)
		f.Add(appendHashed(nil, r), appendTail(appendAnnex(nil, &r.Annex), r))
	}
	f.Fuzz(func(t *testing.T, hashed, annex []byte) {
		r, err := newDecoder().record(hashed, annex)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if got := appendHashed(nil, r); !bytes.Equal(got, hashed) {
			t.Errorf("hashed part %q comes back as %q", hashed, got)
		}
		if got := appendTail(appendAnnex(nil, &r.Annex), r); !bytes.Equal(got, annex) {
			t.Errorf("annex %q comes back as %q", annex, got)
		}
	})
}

func FuzzUnframe(f *testing.F) {
	var p packer
	var hash [HashSize]byte
	for _, body := range [][]byte{nil, []byte("short"), bytes.Repeat([]byte("long "), 1000)} {
		packed, err := p.frame(nil, &hash, len(body)/2, body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Add(append(make([]byte, frameHead), s2.Encode(nil, make([]byte, 5000))...))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := unframe(in)
		if err != nil {
			return
		}
		body := append(bytes.Clone(got.hashed), got.annex...)
		packed, err := p.frame(nil, &got.hash, len(got.hashed), body)
		if err != nil {
			t.Fatal(err)
		}
		again, err := unframe(packed)
		if err != nil {
			t.Fatal(err)
		}
		if again.hash != got.hash || !bytes.Equal(again.hashed, got.hashed) || !bytes.Equal(again.annex, got.annex) {
			t.Error("packing it again changes it")
		}
	})
}

func FuzzAssemble(f *testing.F) {
	h := chunkHead{tick: 1, attempt: 1}
	f.Add(append(h.appendTo(nil), "one"...), append(chunkHead{1, 1, 1, true}.appendTo(nil), "two"...), []byte{})
	f.Add(h.appendTo(nil), chunkHead{1, 2, 0, true}.appendTo(nil), chunkHead{2, 1, 0, true}.appendTo(nil))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		var asm assembler
		total := 0
		for _, in := range [][]byte{a, b, c} {
			total += len(in)
			tick, whole, err := asm.add(in)
			if err != nil {
				return
			}
			if len(whole) > total || tick < 0 {
				t.Errorf("tick %d with %d bytes from %d", tick, len(whole), total)
			}
		}
	})
}
