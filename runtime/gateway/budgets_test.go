package gateway

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// However many requests are made at once, a budget is passed by no more than the
// last one costs.
func TestBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cost = agent.Dollar / 3
		b := NewBudgets()
		all := Budget{Name: "limits.usd", USD: 10 * agent.Dollar}
		b.Enroll("a", 0, all, Budget{Name: "a's", USD: 2 * agent.Dollar})
		b.Enroll("b", agent.Dollar, all)
		b.Enroll("c", 0, all, Budget{Name: "c's"})
		refused := map[string]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, id := range []string{"a", "b", "c"} {
			for range 40 {
				wg.Go(func() {
					settle, err := b.Reserve(t.Context(), id, agent.Dollar)
					var spent *BudgetError
					if errors.As(err, &spent) {
						mu.Lock()
						refused[id]++
						mu.Unlock()
						return
					}
					time.Sleep(time.Second)
					settle(cost)
					settle(cost) // once is enough
				})
			}
		}
		wg.Wait()
		spent := b.Spent()
		if spent["limits.usd"] < 10*agent.Dollar || spent["limits.usd"] >= 10*agent.Dollar+cost {
			t.Errorf("%s were spent of $10", spent["limits.usd"])
		}
		if spent["a's"] < 2*agent.Dollar || spent["a's"] >= 2*agent.Dollar+cost || refused["a"] != 33 {
			t.Errorf("a has spent %s of $2, and was refused %d times", spent["a's"], refused["a"])
		}
	})
}

// Who waits for a budget that is promised to others keeps nobody waiting, gives up
// with its context, and goes once there is room.
func TestBudgetWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudgets()
		b.Enroll("a", 0, Budget{Name: "a's", USD: agent.Dollar})
		b.Enroll("b", 0, Budget{Name: "b's", USD: agent.Dollar})
		first, err := b.Reserve(t.Context(), "a", 5*agent.Dollar)
		if err != nil {
			t.Fatalf("a request that may cost more than is left: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Reserve(ctx, "a", 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while all is promised: %v", err)
		}
		if settle, err := b.Reserve(t.Context(), "b", 1); err != nil {
			t.Error(err)
		} else {
			settle(0)
		}
		got := make(chan error)
		go func() {
			settle, err := b.Reserve(t.Context(), "a", 1)
			if err == nil {
				settle(agent.Dollar)
			}
			got <- err
		}()
		synctest.Wait()
		first(0)
		if err := <-got; err != nil {
			t.Error(err)
		}
		var spent *BudgetError
		if _, err := b.Reserve(t.Context(), "a", 0); !errors.As(err, &spent) || err.Error() != "a's: $1 of $1 are spent" {
			t.Errorf("a spent budget says %v", err)
		}
	})
}
