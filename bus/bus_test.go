package bus

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		write(dir)
	}
	if dir := os.Getenv(truncaterEnv); dir != "" {
		truncate(dir)
	}
	goleak.VerifyTestMain(m)
}

func start(t testing.TB, o Options) *Bus {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	b, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestStartMakesItsDirectoryPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "bus")
	b := start(t, Options{Dir: dir})
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("the directory has mode %o, want 700", got)
	}
	if got := b.Addr(); got != "" {
		t.Errorf("Addr() = %q without Listen", got)
	}
}

// TestStartTidies: a bus that died while it proved that it can write leaves nothing
// that the next one keeps.
func TestStartTidies(t *testing.T) {
	dir := t.TempDir()
	start(t, Options{Dir: dir}).Close()
	left := []string{filepath.Join(dir, ".probe-1"), filepath.Join(dir, "jetstream", "_test_2")}
	for _, name := range left {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, Options{Dir: dir})
	for _, name := range left {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

func TestCloseTwice(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	addr := b.Addr()
	b.Close()
	b.Close()
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("the port is still open after Close")
	}
	if err := b.Publish(Tick("r"), nil); err == nil {
		t.Error("Publish works after Close")
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"no directory", Options{}, "no directory is given"},
		{"a file", Options{Dir: file}, "not a directory"},
		{"below a file", Options{Dir: filepath.Join(file, "bus")}, "not a directory"},
		{"no port", Options{Dir: t.TempDir(), Listen: "localhost"}, "missing port"},
		{"a bad port", Options{Dir: t.TempDir(), Listen: "localhost:http2"}, "from 0 to 65535"},
		{"a large port", Options{Dir: t.TempDir(), Listen: "localhost:65536"}, "from 0 to 65535"},
		{"a port in use", Options{Dir: t.TempDir(), Listen: held.Addr().String()}, "address already in use"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := Start(c.o)
			if err == nil {
				b.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
		})
	}
}

func TestFlush(t *testing.T) {
	b := start(t, Options{})
	sub, err := b.nc.SubscribeSync(Tick("r"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(Tick("r"), []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The answer to the flush came after the message on the same connection.
	if n, _, err := sub.Pending(); err != nil || n != 1 {
		t.Errorf("%d messages are here after Flush (%v), want 1", n, err)
	}
}
