package bus

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// writerEnv names the directory in which this binary is to append until it is
// killed, in place of running tests.
const writerEnv = "TROUPE_TEST_WRITER"

// write appends without end and says each entry's number once it is
// acknowledged.
func write(dir string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	b, err := Start(Options{Dir: dir})
	if err != nil {
		fail(err)
	}
	s, err := b.OpenStream("r")
	if err != nil {
		fail(err)
	}
	last, err := s.Last(context.Background())
	if err != nil {
		fail(err)
	}
	for n := last + 1; ; n++ {
		if err := s.Append(context.Background(), []byte(strconv.FormatUint(n, 10))); err != nil {
			fail(err)
		}
		fmt.Println(n)
	}
}

// What was acknowledged outlives a kill, again and again, and nothing is there
// twice.
func TestKilledWriterLosesNothing(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	create(t, b, "r")
	b.Close()
	acknowledged := uint64(0)
	for range 3 {
		acknowledged = killWriter(t, dir, acknowledged+200)
		b := start(t, Options{Dir: dir})
		s, err := b.OpenStream("r")
		if err != nil {
			t.Fatal(err)
		}
		next := uint64(1)
		err = s.Read(t.Context(), 1, func(seq uint64, p []byte) error {
			if seq != next || string(p) != strconv.FormatUint(next, 10) {
				return fmt.Errorf("entry %d is %q", seq, p)
			}
			next++
			return nil
		})
		if err != nil || next-1 < acknowledged {
			t.Errorf("%d entries are left of %d acknowledged: %v", next-1, acknowledged, err)
		}
		b.Close()
	}
}

// killWriter runs a writer, kills it once it has acknowledged an entry, and
// gives the last one it did.
func killWriter(t *testing.T, dir string, until uint64) (last uint64) {
	t.Helper()
	cmd, lines := child(t, writerEnv, dir)
	for lines.Scan() {
		n, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			break // a line that the kill cut off
		}
		if last = n; n == until {
			_ = cmd.Process.Kill() // what is in the pipe is read on
		}
	}
	_ = cmd.Wait() // its error is the kill
	if last < until {
		t.Fatalf("the writer ended after %d entries, before %d", last, until)
	}
	return last
}

// child runs this binary, in place of tests, as what a variable makes of it in
// a directory.
func child(t *testing.T, env, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}
