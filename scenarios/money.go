package scenarios

import (
	"fmt"
	"net/url"
	"strings"
)

// moneyHint says what an amount of money looks like.
const moneyHint = "an amount of US dollars such as 2.50, or none for no bound"

func (m *Money) decode(d *decoder, p place) bool {
	*m = Money{}
	n := follow(p.node)
	switch got := scalarKind(n); {
	case got == text && n.Value == "none":
		m.Unbounded = true
		return true
	case got != aNumber && got != anInteger:
		d.mismatch(p, moneyHint)
		return false
	}
	if m.Dollars = float(n); m.Dollars <= 0 || m.Dollars > 1e9 {
		d.reportValue(p, fmt.Sprintf("want more than 0 and at most a billion dollars, got %s", clip(n.Value)), "")
		return false
	}
	return true
}

func (*Money) schema(*generator) object {
	return object{"oneOf": []object{{"type": "number", "exclusiveMinimum": 0, "maximum": 1e9}, {"type": "string", "enum": []string{"none"}}}}
}

func (s *Secret) check(d *decoder, p place, has func(string) bool) {
	var set []string
	for _, key := range []string{"env", "file", "command"} {
		if has(key) {
			set = append(set, key)
		}
	}
	switch {
	case len(set) > 1:
		d.reportValue(p, "want one of env, file and command, got "+strings.Join(set, " and "), "")
	case len(set) == 0 && !d.strange[follow(p.node)]:
		d.reportValue(p, "want env, file or command, got none", "a secret is named by reference: {env: NAME}, {file: path} or {command: [program, argument]}; its value never stands in a scenario")
	case has("env") && s.Env != "" && !envShape.MatchString(s.Env):
		d.reportValue(p.under("env"), fmt.Sprintf("%q is no name of an environment variable", clip(s.Env)), "the name, not the value: letters, digits and _, no digit first")
	}
}

func (u *Upstream) check(d *decoder, p place, has func(string) bool) {
	if !has("url") || u.URL == "" {
		return
	}
	if to, err := url.Parse(u.URL); err != nil || to.Scheme != "https" && to.Scheme != "http" || to.Host == "" || to.User != nil || to.RawQuery != "" {
		d.reportValue(p.under("url"), fmt.Sprintf("%q is no address of an API", clip(u.URL)), "https://HOST, or http://HOST:PORT, with a path where it has one")
	}
}

// checkSecrets holds the names of secrets against what the environment of an
// agent can carry.
func (d *decoder) checkSecrets(p place) {
	for _, in := range p.members() {
		if name := follow(in.key); scalarKind(name) == text && !envShape.MatchString(name.Value) {
			d.reportValue(p.at(in.key), fmt.Sprintf("%q is no name of a secret", clip(name.Value)), "letters, digits and _, no digit first: agents get it as an environment variable of that name")
		}
	}
}
