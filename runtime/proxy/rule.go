package proxy

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// A Rule is a host that may be connected to, at one port.
type Rule struct {
	host string     // lower case; empty for an address
	any  bool       // one label stands before host
	addr netip.Addr // unmapped
	port uint16
}

// ParseRule reads HOST:PORT, where HOST is a name, an address (in brackets, of IPv6)
// or *.NAME for all names with one label before that.
func ParseRule(text string) (Rule, error) {
	host, port, err := split(text)
	if err != nil {
		return Rule{}, fmt.Errorf("cannot read the rule %q: %w", text, err)
	}
	r := Rule{port: port}
	if addr, err := netip.ParseAddr(host); err == nil {
		r.addr = addr.Unmap()
		return r, nil
	}
	r.host, r.any = strings.CutPrefix(fold(host), "*.")
	return r, nil
}

func split(text string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 || host == "" {
		return "", 0, fmt.Errorf("want HOST:PORT, got %q", text)
	}
	return host, uint16(n), nil
}

// fold is a name as it is compared.
func fold(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// names says whether a rule is for a host by this name.
func (r *Rule) names(name string, port uint16) bool {
	if r.host == "" || port != r.port {
		return false
	}
	if r.any {
		label, rest, ok := strings.Cut(name, ".")
		return ok && label != "" && rest == r.host
	}
	return name == r.host
}

// has says whether a rule is for an address itself.
func (r *Rule) has(addr netip.Addr, port uint16) bool {
	return r.addr.IsValid() && r.addr == addr && r.port == port
}

// inner are the addresses that are no host's on the internet, beside those that
// netip.Addr knows of by itself.
var inner = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),        // this network (RFC 1122)
	netip.MustParsePrefix("100.64.0.0/10"),    // shared by a provider's customers (RFC 6598)
	netip.MustParsePrefix("168.63.129.16/32"), // the host below, in Azure
	netip.MustParsePrefix("192.0.0.0/24"),     // protocols (RFC 6890)
	netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks (RFC 2544)
	netip.MustParsePrefix("240.0.0.0/4"),      // reserved, and broadcast (RFC 1112)
	netip.MustParsePrefix("::/96"),            // IPv4 within IPv6, as it once was (RFC 4291)
	netip.MustParsePrefix("64:ff9b::/96"),     // IPv4 behind a translator (RFC 6052)
	netip.MustParsePrefix("64:ff9b:1::/48"),   // the same, locally (RFC 8215)
	netip.MustParsePrefix("2001::/32"),        // IPv4 by Teredo (RFC 4380)
	netip.MustParsePrefix("2002::/16"),        // IPv4 by 6to4 (RFC 3056)
	netip.MustParsePrefix("fec0::/10"),        // of a site, as it once was (RFC 3879)
}

// public says whether an address may be one of the internet.
func public(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, p := range inner {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}
