package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// tenantWord makes the child an agent with so many MiB in memory.
const tenantWord = "tenant"

// tenant answers on in and out until in ends. What it holds it holds from its start
// on, as the tools of models do; in its first turn it takes its time, so that
// whoever looks at the memory of many sees all of them.
func tenant(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("a tenant wants a number of MiB and how long its first turn takes")
	}
	mib, err := strconv.Atoi(args[0])
	if err != nil || mib < 1 {
		return fmt.Errorf("%q is no number of MiB", args[0])
	}
	first, err := time.ParseDuration(args[1])
	if err != nil {
		return fmt.Errorf("cannot read how long a first turn takes: %w", err)
	}
	held := bytes.Repeat([]byte{1}, mib<<20)
	return agent.ServeOn(in, out, func(agent.Start) (agent.Player, error) {
		return agent.PlayerFunc(func(o agent.Observation) agent.Reply {
			if o.Tick == 0 {
				time.Sleep(first)
			}
			said, err := json.Marshal(map[string]any{"n": held[o.Tick%len(held)]})
			if err != nil {
				return o.Fail(err)
			}
			return o.Act(json.RawMessage(said))
		}), nil
	})
}
