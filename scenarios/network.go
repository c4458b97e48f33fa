package scenarios

import (
	"fmt"
	"math"

	"go.yaml.in/yaml/v4"
)

// A Network is which TCP ports an agent may connect to: any, or those of a list,
// which is empty for none.
type Network struct {
	Any   bool
	Ports []int
}

const networkWant = "any, none, or a list of TCP ports such as [443, 5432]"

// portsOnly is what is said of hosts.
const portsOnly = "hosts take the outbound proxy of a later version; ports work now: [443]"

func (w *Network) decode(d *decoder, p place) bool {
	*w = Network{}
	switch n := follow(p.node); {
	case n.Kind == yaml.SequenceNode:
		return w.list(d, p)
	case scalarKind(n) != text:
		d.mismatch(p, networkWant)
		return false
	case n.Value != "any" && n.Value != "none":
		d.reportValue(p, fmt.Sprintf("want %s, got %q", networkWant, clip(n.Value)), portsOnly)
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
			d.reportValue(in, fmt.Sprintf("want a TCP port, got %q", clip(n.Value)), portsOnly)
			ok = false
		case !d.decode(in, &port):
			ok = false
		case port < 1 || port > math.MaxUint16:
			d.reportValue(in, fmt.Sprintf("want a TCP port from 1 to %d, got %d", math.MaxUint16, port), "")
			ok = false
		default:
			w.Ports = append(w.Ports, port)
		}
	}
	if ok && len(w.Ports) == 0 {
		d.reportValue(p, "want at least one port", "none is written as network: none")
		return false
	}
	return ok
}

func (*Network) schema(*generator) object {
	port := object{"type": "integer", "minimum": 1, "maximum": math.MaxUint16}
	return object{"oneOf": []object{
		{"type": "string", "enum": []string{"any", "none"}},
		{"type": "array", "items": port, "minItems": 1},
	}}
}
