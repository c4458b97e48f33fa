package bus

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
)

// deaf connects as an observer of a run that subscribes to all of it and reads
// nothing.
func deaf(t *testing.T, b *Bus, run string) {
	t.Helper()
	c := observer(t, b, run)
	nc, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_, _ = fmt.Fprintf(nc, "CONNECT {\"user\":%q,\"pass\":%q}\r\nSUB %s 1\r\nPING\r\n", c.User, c.Password, All(run))
	for in := bufio.NewReader(nc); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "PONG") {
			return
		}
	}
}

// What an observer does not read is told.
func TestStats(t *testing.T) {
	b := start(t, Options{Listen: "127.0.0.1:0"})
	s := create(t, b, "r")
	appendAll(t, s, "one", "two")
	deaf(t, b, "r")
	before := b.Stats()
	if before.Connections != 2 || before.Subscriptions == 0 || before.StoreBytes <= 0 || before.InMessages == 0 || before.SlowConsumers != 0 {
		t.Errorf("before: %+v", before)
	}
	for range 32 { // MiB: more than the buffers of a connection hold, and less than makes it slow
		if err := b.Publish(Tick("r"), make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.Stats(); got.Pending < 1<<20 || got.SlowConsumers != 0 || got.InBytes-before.InBytes < 32<<20 {
		t.Errorf("while it reads nothing: %+v", got)
	}
}
