package gateway

import (
	"errors"
	"sync"
	"testing"
)

// Agents that ask the same at the same time, and are answered the same, share bodies
// and have an exchange each.
func TestExchangesTogether(t *testing.T) {
	x, err := OpenExchanges(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	const rounds, agents = 50, 8
	for round := range rounds {
		request, response := []byte{'q', byte(round)}, []byte{'a', byte(round)}
		var wg sync.WaitGroup
		errs := make([]error, agents)
		for i := range agents {
			wg.Go(func() { errs[i] = x.Add(&Exchange{Agent: string(rune('a' + i)), Whole: true}, request, response) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err = ReadExchanges(x.dir, func(e *Exchange) error {
		n++
		_, err := ReadBody(x.dir, e.Response)
		return err
	})
	if err != nil || n != rounds*agents {
		t.Errorf("%d exchanges: %v", n, err)
	}
}
