package record

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFirings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "faults.jsonl")
	open := func() *Firings {
		t.Helper()
		f, err := OpenFirings(path)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	fire := func(f *Firings, list ...Firing) {
		t.Helper()
		if err := f.Fire(list); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	a, b, died := Firing{0, 3, "a"}, Firing{0, 3, "b"}, Firing{Fault: 1, Tick: 4}
	f := open()
	if f.Fired(a) {
		t.Error("it fired before it did")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file without a fault in it")
	}
	fire(open(), a, b)
	f = open()
	if !f.Fired(a) || !f.Fired(b) || f.Fired(died) || f.Fired(Firing{0, 4, "a"}) {
		t.Errorf("read back: %v", f.fired)
	}
	fire(f, died)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"fault":0,"tick":3,"agent":"a"}
{"fault":0,"tick":3,"agent":"b"}
{"fault":1,"tick":4}
`
	if string(text) != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}

	// Cut off in the middle of a line, it goes on behind the last whole one.
	for n := range len(want) {
		if err := os.WriteFile(path, []byte(want[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		f := open()
		if f.Fired(died) || f.Fired(b) && !f.Fired(a) {
			t.Errorf("cut to %d bytes: %v", n, f.fired)
		}
		fire(f, died)
		f = open()
		if !f.Fired(died) {
			t.Errorf("cut to %d bytes, it forgets", n)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFiringsOnADiskThatFails(t *testing.T) {
	dir := t.TempDir()
	f, err := OpenFirings(filepath.Join(dir, "gone", "faults.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Fire([]Firing{{}}); err == nil || f.Fired(Firing{}) {
		t.Errorf("it fires without being noted: %v", err)
	}
	if _, err := OpenFirings(dir); err == nil {
		t.Error("a directory is read")
	}
}
