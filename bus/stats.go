package bus

import (
	"github.com/nats-io/nats-server/v2/server"
)

// Stats are what goes on at the bus, as it is now.
type Stats struct {
	Connections   int   // the supervisor's among them
	Subscriptions int   // of all
	Pending       int64 // bytes that wait for connections that do not read them
	SlowConsumers int64 // connections that were cut off so far since they did not read
	InMessages    int64 // from all connections so far
	InBytes       int64
	OutMessages   int64 // to them
	OutBytes      int64
	StoreBytes    int64 // that the logs of all runs take
}

// Stats asks the server, which holds up nobody for long.
func (b *Bus) Stats() Stats {
	st := Stats{
		Connections: b.srv.NumClients(), Subscriptions: int(b.srv.NumSubscriptions()),
		SlowConsumers: b.srv.NumSlowConsumers(),
	}
	if v, err := b.srv.Varz(nil); err == nil {
		st.InMessages, st.InBytes, st.OutMessages, st.OutBytes = v.InMsgs, v.InBytes, v.OutMsgs, v.OutBytes
		if s := v.JetStream.Stats; s != nil {
			st.StoreBytes = int64(s.Store)
		}
	}
	if c, err := b.srv.Connz(&server.ConnzOptions{Limit: st.Connections + 1}); err == nil {
		for _, x := range c.Conns {
			st.Pending += int64(x.Pending)
		}
	}
	return st
}
