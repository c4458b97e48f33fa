package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// A list is what one process may connect to.
type list []Rule

// A RefusedError says why a host is not connected to.
type RefusedError struct {
	Host string // HOST:PORT, as it was asked for
	Why  string
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%s is refused: %s", e.Host, e.Why) }

// resolver is net.Resolver.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// addresses are where a host may be connected to: only they have been looked at.
func (l list) addresses(ctx context.Context, names resolver, target string) ([]netip.AddrPort, error) {
	host, port, err := split(target)
	if err != nil {
		return nil, &RefusedError{target, "it is no HOST:PORT"}
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		if !l.has(addr, port) {
			return nil, l.unlisted(target)
		}
		return []netip.AddrPort{netip.AddrPortFrom(addr, port)}, nil
	}
	name := fold(host)
	if !slices.ContainsFunc(l, func(r Rule) bool { return r.names(name, port) }) {
		return nil, l.unlisted(target)
	}
	found, err := names.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, fmt.Errorf("cannot find %s: %w", host, err)
	}
	var open []netip.AddrPort
	for _, addr := range found {
		addr = addr.Unmap()
		if public(addr) || l.has(addr, port) || name == "localhost" && addr.IsLoopback() {
			open = append(open, netip.AddrPortFrom(addr, port))
		}
	}
	if len(open) == 0 && len(found) > 0 {
		return nil, &RefusedError{target, fmt.Sprintf("it leads to %s, which is no public address; list %s too if that is meant",
			found[0], net.JoinHostPort(found[0].String(), fmt.Sprint(port)))}
	}
	return open, nil
}

func (l list) has(addr netip.Addr, port uint16) bool {
	return slices.ContainsFunc(l, func(r Rule) bool { return r.has(addr, port) })
}

func (l list) unlisted(target string) error {
	return &RefusedError{target, "it is not on the network list of this agent's entry in the scenario; to allow it, add " + target + " there"}
}

// dial connects to a host that is on the list.
func (p *Proxy) dial(ctx context.Context, l list, target string) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.opts.Dial)
	defer cancel()
	open, err := l.addresses(ctx, p.names, target)
	if err != nil {
		return nil, err
	}
	var failed error
	for _, at := range open {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.String())
		if err == nil {
			return c.(*net.TCPConn), nil
		}
		failed = errors.Join(failed, err)
	}
	if failed == nil {
		failed = errors.New("it has no address")
	}
	return nil, fmt.Errorf("cannot connect to %s: %w", target, failed)
}
