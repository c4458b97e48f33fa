package runtime

import (
	"fmt"
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/proxy"
	"github.com/troupe-dev/troupe/runtime/supervisor"
)

// proxyVariables are where programs look for a proxy. Some read the lower case
// alone, some the upper.
var proxyVariables = []string{"HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"}

// directVariables say what is reached without it: what listens on this machine,
// the model gateway for one, has ports of its own in a list.
var directVariables = []string{"NO_PROXY", "no_proxy"}

const direct = "localhost,127.0.0.1,::1"

// worldClient is the proxy's name for a world that is a process; no agent has it.
const worldClient = "the.world"

// openProxy opens the way to hosts, where some program of the plan has any.
func (r *run) openProxy() (err error) {
	hosts := 0
	for prog := range started(r.plan) {
		if prog.Network != nil {
			hosts += len(prog.Network.Hosts)
		}
	}
	if hosts == 0 {
		return nil
	}
	r.proxy, err = proxy.Open(proxy.Options{Refused: r.barred})
	if err == nil {
		r.onStop(r.proxy.Close)
	}
	return err
}

// barred takes down that a process asked for a host that it may not connect to.
func (r *run) barred(process string, why *proxy.RefusedError) {
	if process == worldClient {
		_, _ = fmt.Fprintf(r.worldLog, "troupe: %v\n", why)
		return
	}
	r.fleet.Barred(process, why.Error())
}

// An outlet is how a process reaches the hosts of its program's list.
type outlet struct {
	port int
	url  string
}

// outlet lets a process through to the hosts of its program; nil for none.
func (f *fleet) outlet(process string, p *plan.Program) *outlet {
	if f.proxy == nil || p.Network == nil || len(p.Network.Hosts) == 0 {
		return nil
	}
	var rules []proxy.Rule
	for _, host := range p.Network.Hosts {
		if rule, err := proxy.ParseRule(host); err == nil { // they were checked when the plan was made
			rules = append(rules, rule)
		}
	}
	return &outlet{f.proxy.Port(), f.proxy.Admit(process, rules)}
}

// environ is what it says in an environment. The URL is a credential.
func (o *outlet) environ() map[string]string {
	env := map[string]string{}
	for _, name := range directVariables {
		env[name] = direct
	}
	for _, name := range proxyVariables {
		env[name] = o.url
	}
	return env
}

// outward gives a process the way to its program's hosts. What the scenario itself
// says of proxies stays.
func (f *fleet) outward(s *supervisor.Spec, p *plan.Program) {
	o := f.outlet(s.ID, p)
	if o == nil {
		return
	}
	s.Ports = append(slices.Clone(s.Ports), o.port)
	env := o.environ()
	for _, name := range slices.Sorted(maps.Keys(env)) {
		value := env[name]
		_, own := s.Env[name]
		switch {
		case own || slices.ContainsFunc(s.Secrets, func(x supervisor.Secret) bool { return x.Name == name }):
		case value == o.url:
			s.Secrets = append(s.Secrets, supervisor.Secret{Name: name, Value: value})
		default:
			s.Env[name] = value
		}
	}
}
