package observe

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// mostBudgets is how many budgets of a run are shown.
const mostBudgets = 100

// runBudget is what the run's own budget is called, as in the gateway's errors.
const runBudget = "limits.usd"

// A budgetCollector shows what a run may spend, at a scrape:
//
//	troupe_budget_limit_usd  by budget: limits.usd for the whole run, and those of the gateway
//	troupe_budget_left_usd   the same: below 0 where the last request took more than was left
//
// One without bound is left out. It may be used concurrently.
type budgetCollector struct {
	limit, left *prometheus.Desc

	mu      sync.Mutex
	budgets func() []Budget
	own     Budget // the run's, where budgets is nil
}

func newBudgetCollector(o *MeasuredRun) *budgetCollector {
	return &budgetCollector{
		limit:   prometheus.NewDesc("troupe_budget_limit_usd", "US dollars that may be spent.", []string{"budget"}, nil),
		left:    prometheus.NewDesc("troupe_budget_left_usd", "US dollars that are left of what may be spent.", []string{"budget"}, nil),
		budgets: o.Budgets, own: Budget{Name: runBudget, USD: o.Plan.Limits.USD.Dollars()},
	}
}

func (c *budgetCollector) spend(usd float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own.Spent += usd
}

func (c *budgetCollector) over() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.budgets != nil {
		last := c.budgets()
		c.budgets = func() []Budget { return last }
	}
}

// Describe implements prometheus.Collector.
func (c *budgetCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.limit
	ch <- c.left
}

// Collect implements prometheus.Collector.
func (c *budgetCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	all := []Budget{c.own}
	if c.budgets != nil {
		all = c.budgets()
	}
	c.mu.Unlock()
	shown, own := 0, 1 // there is room for the run's own
	for _, b := range all {
		switch {
		case b.USD <= 0:
			continue
		case b.Name == runBudget:
			own = 0
		case shown+own == mostBudgets:
			continue
		}
		shown++
		ch <- prometheus.MustNewConstMetric(c.limit, prometheus.GaugeValue, b.USD, b.Name)
		ch <- prometheus.MustNewConstMetric(c.left, prometheus.GaugeValue, b.USD-b.Spent, b.Name)
	}
}
