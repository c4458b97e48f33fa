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
// Public says which may be anybody's.
func (l list) addresses(ctx context.Context, names resolver, public func(netip.Addr) bool, target string) ([]netip.AddrPort, error) {
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
		at := netip.AddrPortFrom(addr.Unmap(), port)
		if public(at.Addr()) || l.means(name, at) {
			open = append(open, at)
		}
	}
	if len(open) == 0 && len(found) > 0 {
		return nil, inward(target, netip.AddrPortFrom(found[0].Unmap(), port), "no public address")
	}
	return open, nil
}

// means says whether a name may lead to an address of this machine or its networks.
func (l list) means(name string, at netip.AddrPort) bool {
	return l.has(at.Addr(), at.Port()) || name == "localhost" && at.Addr().IsLoopback()
}

// inward refuses a host for the address that it leads to.
func inward(target string, at netip.AddrPort, what string) error {
	return &RefusedError{target, fmt.Sprintf("it leads to %s, which is %s; list %s too if that is meant", at.Addr(), what, at)}
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
	open, err := l.addresses(ctx, p.names, p.public, target)
	if err != nil {
		return nil, err
	}
	var failed error
	for _, at := range open {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.String())
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		far := c.(*net.TCPConn)
		if host, _, _ := split(target); itself(far) && !l.means(fold(host), at) {
			_ = far.Close()
			return nil, inward(target, at, "this machine's own")
		}
		return far, nil
	}
	if failed == nil {
		failed = errors.New("it has no address")
	}
	return nil, fmt.Errorf("cannot connect to %s: %w", target, failed)
}

// itself says whether a connection leads from this machine to itself, by whatever
// address: one that is its own is connected to from the same.
func itself(c *net.TCPConn) bool {
	near, far := c.LocalAddr().(*net.TCPAddr), c.RemoteAddr().(*net.TCPAddr)
	return near.IP.Equal(far.IP)
}
