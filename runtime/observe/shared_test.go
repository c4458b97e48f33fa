package observe

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/tree"
)

// Commits, conflicts and leases are counted from what is on record.
func TestSharedMetrics(t *testing.T) {
	p := market()
	p.Shared = &plan.Shared{}
	m, r := measured(p)
	isSeries(t, m, "troupe_leases", `troupe_leases{run="r1",state="held"} 0`, `troupe_leases{run="r1",state="waiting"} 0`)
	r.Leases(1, []int{7})
	isSeries(t, m, "troupe_leases", `troupe_leases{run="r1",state="held"} 1`, `troupe_leases{run="r1",state="waiting"} 1`)
	at := time.Unix(1000, 0)
	r.Committed(&record.Record{
		Commits: []tree.Commit{{Number: 1, Author: "ann"}, {Number: 2, Author: "bob"}},
		Leases: []tree.Step{
			{Agent: "ann", What: tree.Granted, Ticket: 8, Token: 4}, {Agent: "bob", What: tree.Waits, Ticket: 9},
			{Agent: "bob", What: tree.Waits, Ticket: 10}, {Agent: "bob", What: tree.Ended, Ticket: 7},
		},
		Results: []record.Result{
			{Agent: "ann", JSON: []byte(`{"type":"commit","tick":0,"request":1,"paths":["a"],"error":"a moved","moved":{"path":"a","version":1,"tick":0}}`)},
			{Agent: "ann", JSON: []byte(`{"type":"commit","tick":0,"request":2,"paths":["b"],"error":"b may not be written by ann"}`)},
		},
		Annex: record.Annex{Time: at, Facts: []record.Fact{{Agent: "bob", Kind: record.Conflicts, Detail: "3"}}},
	})
	isSeries(t, m, "troupe_leases", `troupe_leases{run="r1",state="held"} 2`, `troupe_leases{run="r1",state="waiting"} 2`)
	r.Committed(&record.Record{
		Leases: []tree.Step{
			{Agent: "ann", What: tree.Ended, Ticket: 8, Token: 4}, {Agent: "bob", What: tree.Granted, Ticket: 9, Token: 5},
			{Agent: "bob", What: tree.Ended, Ticket: 10},
		},
		Annex: record.Annex{Time: at.Add(2 * time.Second)},
	})
	isSeries(t, m, "troupe_leases", `troupe_leases{run="r1",state="held"} 2`, `troupe_leases{run="r1",state="waiting"} 0`)
	isSeries(t, m, "troupe_commits_total", `troupe_commits_total{run="r1"} 2`)
	isSeries(t, m, "troupe_commit_conflicts_total", `troupe_commit_conflicts_total{run="r1"} 4`)
	if got := series(t, m, "troupe_lease_wait_seconds"); !strings.Contains(got, `_sum{run="r1"} 2`) || !strings.Contains(got, `_count{run="r1"} 1`) {
		t.Error(got)
	}
	if problems, err := testutil.GatherAndLint(m.reg); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if got := series(t, func() *Metrics { m, _ := measured(market()); return m }(), "troupe_leases"); got != "" {
		t.Errorf("a run without a shared tree has %s", got)
	}
}
