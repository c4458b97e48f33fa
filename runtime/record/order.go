package record

import "fmt"

// ordered says whether a record's lists stand in their canonical order, on
// which the hash depends.
func ordered(r *Record) error {
	for _, err := range []error{
		rising("turns", r.Turns, true, func(t *Turn) string { return t.Agent }),
		rising("messages", r.Messages, false, func(m *Message) string { return m.From }),
		rising("results", r.Results, false, func(x *Result) string { return x.Agent }),
		rising("scores", r.Scores, true, func(x *Score) string { return x.Agent }),
		rising("columns", r.Columns, true, func(x *Column) string { return x.Name }),
		rising("channels", r.Channels, true, func(x *Channel) string { return x.Name }),
	} {
		if err != nil {
			return err
		}
	}
	for i := 1; i < len(r.Commits); i++ {
		if before, after := r.Commits[i-1].Number, r.Commits[i].Number; after != before+1 {
			return fmt.Errorf("its commits are out of order: %d comes before %d", before, after)
		}
	}
	return nil
}

func rising[T any](what string, list []T, strictly bool, key func(*T) string) error {
	for i := 1; i < len(list); i++ {
		before, after := key(&list[i-1]), key(&list[i])
		if before > after || strictly && before == after {
			return fmt.Errorf("its %s are out of order: %q comes before %q", what, before, after)
		}
	}
	return nil
}
