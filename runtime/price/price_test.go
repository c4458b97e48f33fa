package price

import (
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

func TestTable(t *testing.T) {
	p := List()
	for model, want := range map[string]string{
		"claude-haiku-4-5-20251001": "claude-haiku-4", "claude-opus-4-5": "claude-opus-4-5", "claude-opus-4-20250514": "claude-opus-4",
		"claude-sonnet-4-5@20250929": "claude-sonnet-4", "gpt-5": "gpt-5", "gpt-5-mini-2025-08-07": "gpt-5-mini", "gpt-5.1": "gpt-5", "gpt-5.1-codex-mini": "gpt-5.1-codex-mini", "gpt-4.1-nano": "gpt-4.1-nano", "o3-mini-2025-01-31": "o3-mini", "gpt-5-pro-2025-10-06": "gpt-5-pro", "gpt-5.4-pro": "gpt-5.4-pro", "o3-pro": "o3-pro", "o3-deep-research": "o3-deep-research", "gpt-50": "", "": "", "claude": "",
	} {
		if got, ok := p.Of(model); got.Model != want || ok != (want != "") {
			t.Errorf("%q goes by %q, want %q", model, got.Model, want)
		}
	}
	haiku, _ := p.Of("claude-haiku-4-5")
	cost := haiku.Cost(&Tokens{Input: 1e6, Output: 1e6, CacheRead: 1e6, CacheWrite: 1e6, CacheWrite1h: 1e6})
	if want := agent.FromDollars(1 + 5 + 0.1 + 1.25 + 2); cost != want {
		t.Errorf("a million tokens of each sort cost %s, want %s", cost, want)
	}
	small, _ := p.Of("claude-haiku-5-5")
	if a, b := small.Cost(&Tokens{Input: 50_000, CacheRead: 50_000}), small.Cost(&Tokens{Input: 50_000, CacheRead: 50_001}); a != agent.FromDollars(0.0055) || b != agent.FromDollars(0.02750005) {
		t.Errorf("a short prompt costs %s and a long one %s", a, b)
	}
	opus, _ := p.Of("claude-opus-5-5")
	fast := Tokens{Input: 1e6, Output: 1e6, Fast: true}
	if a, b := opus.Cost(&fast), haiku.Cost(&fast); a != agent.FromDollars(8+40) || b != 6*agent.FromDollars(1+5) {
		t.Errorf("a million tokens each way cost %s and %s where they come faster", a, b)
	}
	if usual, fast := opus.Most(3000, 100, false), opus.Most(3000, 100, true); fast != 2*usual {
		t.Errorf("%s are reserved, and %s for a fast answer", usual, fast)
	}
	if d := p.Dearest(); d.Output != agent.FromDollars(270/1e6) {
		t.Errorf("the dearest output is %s", d.Output)
	}
}

func TestReadPrices(t *testing.T) {
	p, err := Read([]byte("models: [{model: m, input: 2, output: 4}]"))
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := p.Of("m-1"); m.CacheRead != m.Input || m.CacheWrite1h != agent.FromDollars(2/1e6) {
		t.Errorf("what has no price of the cache costs %+v", m)
	}
	for text, want := range map[string]string{
		"models: [{model: m, input: 2}]":                                          "m wants output",
		"models: [{model: m, input: -2, output: 1}]":                              "m.input is -2",
		"models: [{model: m, input: .nan, output: 1}]":                            "m.input is NaN",
		"models: [{input: 2, output: 1}]":                                         "models[0] has no name",
		"models: [{model: m, input: 2, output: 1},{model: m,input: 2,output: 1}]": "models[1] has no name of its own",
		"models: [{model: m, input: 2, output: 1, long: {input: 1, output: 1}}]":  "m.long wants above",
		"models: [{model: m, input: 2, output: 1, long: {above: 9, input: 1}}]":   "m.long wants output",
		"models: [{model: m, input: 2, output: 1, fast: 0.5}]":                    "m.fast is 0.5",
		"models: [{model: m, input: 2, output: 1, fast: .nan}]":                   "m.fast is NaN",
		"models: [{model: m, inputs: 2}]":                                         "inputs",
		"models: 1":                                                               "cannot read the table of prices",
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(listPrices)
	f.Fuzz(func(_ *testing.T, text []byte) {
		if p, err := Read(text); err == nil {
			_ = p.Dearest()
		}
	})
}
