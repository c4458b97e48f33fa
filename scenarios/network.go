package scenarios

import (
	"fmt"
	"math"

	"go.yaml.in/yaml/v4"
)

// A Network is what an agent may connect to: any TCP port, or those of a list and,
// through the outbound proxy, hosts. Both lists are empty for none.
type Network struct {
	Any   bool
	Ports []int
	Hosts []string // HOST:PORT, lower case; HOST may be an address, or begin with *.
}

const networkWant = "any, none, or a list of TCP ports and hosts such as [5432, registry.example.org]"

func (w *Network) decode(d *decoder, p place) bool {
	*w = Network{}
	switch n := follow(p.node); {
	case n.Kind == yaml.SequenceNode:
		return w.list(d, p)
	case scalarKind(n) != text:
		d.mismatch(p, networkWant)
		return false
	case n.Value != "any" && n.Value != "none":
		d.reportValue(p, fmt.Sprintf("want %s, got %q", networkWant, clip(n.Value)), "hosts are a list: [registry.example.org]")
		return false
	default:
		w.Any = n.Value == "any"
	}
	return true
}

func (w *Network) list(d *decoder, p place) bool {
	ok := true
	for _, in := range p.items() {
		var port int
		switch n := follow(in.node); {
		case scalarKind(n) == text:
			host, wrong, hint := networkHost(n.Value)
			if wrong != "" {
				d.reportValue(in, fmt.Sprintf("%s, got %q", wrong, clip(n.Value)), hint)
				ok = false
			}
			w.Hosts = append(w.Hosts, host)
		case !d.decode(in, &port):
			ok = false
		case port < 1 || port > math.MaxUint16:
			d.reportValue(in, fmt.Sprintf("want a TCP port from 1 to %d, got %d", math.MaxUint16, port), "")
			ok = false
		default:
			w.Ports = append(w.Ports, port)
		}
	}
	if ok && len(w.Ports)+len(w.Hosts) == 0 {
		d.reportValue(p, "want at least one port or host", "none is written as network: none")
		return false
	}
	return ok
}

func (*Network) schema(*generator) object {
	port := object{"type": "integer", "minimum": 1, "maximum": math.MaxUint16}
	host := object{"type": "string", "pattern": hostPattern, "not": object{"enum": []string{"any", "none"}}}
	return object{"oneOf": []object{
		{"type": "string", "enum": []string{"any", "none"}},
		{"type": "array", "items": object{"oneOf": []object{port, host}}, "minItems": 1},
	}}
}
