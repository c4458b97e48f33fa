package engine

import (
	"sort"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// Recorded is how an agent ended a tick on record: with its accepted act, or
// with a failure. There is none where it was not asked. It shares memory with
// nothing.
func Recorded(rec *record.Record, id string) (a agent.Answer, there bool) {
	i := sort.Search(len(rec.Turns), func(i int) bool { return rec.Turns[i].Agent >= id })
	if i == len(rec.Turns) || rec.Turns[i].Agent != id {
		return a, false
	}
	t := &rec.Turns[i]
	if t.Failure != "" {
		return agent.Answer{Failure: t.Failure, Unsent: t.Unsent, Detail: "as on record"}, true
	}
	return agent.Answer{Act: *accepted(rec, t, rec.Tick), Staged: asked(rec, t)}, true
}
