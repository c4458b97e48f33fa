// Package price says what models cost.
package price

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/troupe-dev/troupe/runtime/agent"
)

//go:embed prices.yaml
var listPrices []byte

// A Price is what one model costs.
type Price struct {
	Model string // the beginning of the names that it is for
	Rates
	Above int64 // tokens of a prompt, cache included: longer ones go by Long; 0 for none
	Long  Rates
	Fast  float64 // times what it costs to be answered faster than usual
}

// Rates are what a token of each sort costs.
type Rates struct {
	Input        agent.USD
	Output       agent.USD
	CacheRead    agent.USD
	CacheWrite   agent.USD // kept for five minutes
	CacheWrite1h agent.USD // kept for an hour
}

// Table are the prices of models. They never change.
type Table struct{ all []Price }

// List are those that ship with troupe.
func List() *Table {
	p, err := Read(listPrices)
	if err != nil {
		panic(err) // it is compiled in, and tested
	}
	return p
}

// Read reads a table, in YAML: models, a list of mappings with model, input,
// output, cache_read, cache_write and cache_write_1h, in US dollars a million
// tokens; long: the same for prompts above so many tokens; and fast: how many times as
// much answers cost that come faster than usual. Where a price of the cache is left out,
// it is that of input; where fast is, it is 6.
func Read(text []byte) (*Table, error) {
	var table struct {
		Models []priceRow `yaml:"models"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&table); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read the table of prices: %w", err)
	}
	p := &Table{}
	seen := map[string]bool{}
	for i := range table.Models {
		row := &table.Models[i]
		if row.Model == "" || seen[row.Model] {
			return nil, fmt.Errorf("cannot read the table of prices: models[%d] has no name of its own (%q)", i, row.Model)
		}
		seen[row.Model] = true
		price, err := row.price()
		if err != nil {
			return nil, fmt.Errorf("cannot read the table of prices: %s%w", row.Model, err)
		}
		p.all = append(p.all, price)
	}
	return p, nil
}

// A priceRow is one of a table.
type priceRow struct {
	Model string `yaml:"model"`
	rates `yaml:",inline"`
	Fast  *float64 `yaml:"fast"`
	Long  *struct {
		Above int64 `yaml:"above"`
		rates `yaml:",inline"`
	} `yaml:"long"`
}

type rates struct {
	Input        *float64 `yaml:"input"`
	Output       *float64 `yaml:"output"`
	CacheRead    *float64 `yaml:"cache_read"`
	CacheWrite   *float64 `yaml:"cache_write"`
	CacheWrite1h *float64 `yaml:"cache_write_1h"`
}

// usualFast is what is taken where a row does not say what being answered faster costs:
// the highest that is known. mostFast is the highest that is believed.
const (
	usualFast = 6
	mostFast  = 100
)

// mostDollars is the highest price of a million tokens that is believed.
const mostDollars = 1e6

func (r *priceRow) price() (p Price, err error) {
	p.Model, p.Fast = r.Model, usualFast
	if r.Fast != nil {
		p.Fast = *r.Fast
	}
	if math.IsNaN(p.Fast) || p.Fast < 1 || p.Fast > mostFast {
		return p, fmt.Errorf(".fast is %v, not 1 to %d times the usual price", p.Fast, mostFast)
	}
	if p.Rates, err = r.read(""); err != nil || r.Long == nil {
		return p, err
	}
	if p.Above = r.Long.Above; p.Above <= 0 {
		return p, errors.New(".long wants above, a number of tokens")
	}
	p.Long, err = r.Long.read(".long")
	return p, err
}

// read gives the rates that stand below a place of a row.
func (r *rates) read(at string) (out Rates, err error) {
	for _, x := range []struct {
		to       *agent.USD
		name     string
		got, not *float64 // and what it is where it is left out
	}{
		{&out.Input, "input", r.Input, nil}, {&out.Output, "output", r.Output, nil}, {&out.CacheRead, "cache_read", r.CacheRead, r.Input},
		{&out.CacheWrite, "cache_write", r.CacheWrite, r.Input}, {&out.CacheWrite1h, "cache_write_1h", r.CacheWrite1h, r.Input},
	} {
		dollars := cmp.Or(x.got, x.not)
		switch {
		case dollars == nil:
			return out, fmt.Errorf("%s wants %s", at, x.name)
		case math.IsNaN(*dollars) || *dollars < 0 || *dollars > mostDollars:
			return out, fmt.Errorf("%s.%s is %v, not 0 to %g dollars a million tokens", at, x.name, *dollars, mostDollars)
		}
		*x.to = agent.FromDollars(*dollars / 1e6)
	}
	return out, nil
}

// Of is the price of a model: that with the longest name which the model's begins
// with, up to its end or a sign that is no letter or digit.
func (p *Table) Of(model string) (Price, bool) {
	var best *Price
	for i := range p.all {
		x := &p.all[i]
		rest, ok := strings.CutPrefix(model, x.Model)
		if ok && (rest == "" || !isWord(rest[0])) && (best == nil || len(x.Model) > len(best.Model)) {
			best = x
		}
	}
	if best == nil {
		return Price{}, false
	}
	return *best, true
}

func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Dearest is the price with the highest of each sort, for a model that has none of
// its own: a budget is not passed because a table is old.
func (p *Table) Dearest() Price {
	d := Price{Fast: usualFast}
	for i := range p.all {
		d.Fast = max(d.Fast, p.all[i].Fast)
		for _, x := range []*Rates{&p.all[i].Rates, &p.all[i].Long} {
			d.Input, d.Output = max(d.Input, x.Input), max(d.Output, x.Output)
			d.CacheRead, d.CacheWrite, d.CacheWrite1h = max(d.CacheRead, x.CacheRead), max(d.CacheWrite, x.CacheWrite), max(d.CacheWrite1h, x.CacheWrite1h)
		}
	}
	return d
}

// at are the rates for a prompt of so many tokens.
func (p *Price) at(prompt int64) *Rates {
	if p.Above > 0 && prompt > p.Above {
		return &p.Long
	}
	return &p.Rates
}

// Cost is that of a use of tokens.
func (p *Price) Cost(t *Tokens) agent.USD {
	r := p.at(t.Input + t.CacheRead + t.CacheWrite + t.CacheWrite1h)
	usual := r.Input*agent.USD(t.Input) + r.Output*agent.USD(t.Output) + r.CacheRead*agent.USD(t.CacheRead) +
		r.CacheWrite*agent.USD(t.CacheWrite) + r.CacheWrite1h*agent.USD(t.CacheWrite1h)
	return p.timed(usual, t.Fast)
}

// timed is what an answer costs that comes as fast as that.
func (p *Price) timed(usual agent.USD, fast bool) agent.USD {
	if !fast {
		return usual
	}
	return agent.USD(min(float64(usual)*p.Fast, 1<<62))
}

// Most is what a request of so many bytes can cost at most, where it allows so many
// tokens of output; or, where it does not say how many (0), what is likely to be
// more than it will: a token has three bytes and more. Fast says that it asks to be
// answered faster than usual.
func (p *Price) Most(body int, output int64, fast bool) agent.USD {
	const bytesPerToken, usualOutput = 3, 4096
	if output <= 0 {
		output = usualOutput
	}
	prompt := int64(body/bytesPerToken + 1)
	r := p.at(prompt)
	usual := max(r.Input, r.CacheWrite, r.CacheWrite1h)*agent.USD(prompt) + r.Output*agent.USD(min(output, MostTokens))
	return p.timed(usual, fast)
}
