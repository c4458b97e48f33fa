package bus

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestCloseLosesNothing: what was published before a bus is closed reaches
// those who observe it, so that they see how a run ended.
func TestCloseLosesNothing(t *testing.T) {
	const rounds, facts = 20, 200
	for range rounds {
		b := start(t, Options{Listen: "127.0.0.1:0"})
		nc, _ := observe(t, b, observer(t, b, "r"))
		got := make(chan *nats.Msg, facts) // a synchronous subscription forgets what it holds when cut off
		if _, err := nc.ChanSubscribe(All("r"), got); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		for i := range facts {
			if err := b.Publish(Run("r", "finished"), fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		b.Close()
		for i := range facts {
			select {
			case m := <-got:
				if string(m.Data) != fmt.Sprint(i) {
					t.Fatalf("got fact %s, want %d", m.Data, i)
				}
			case <-time.After(patience):
				t.Fatalf("of %d facts, %d arrived", facts, i)
			}
		}
	}
}
