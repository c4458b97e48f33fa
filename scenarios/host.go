package scenarios

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// usualPort is that of a host which is listed without one.
const usualPort = 443

// What a name may look like: labels as hosts have them, the last of which is no
// number, since whoever reads that may take the whole for an address.
const (
	label    = `[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?`
	topLabel = `[A-Za-z_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?`
	octet    = `(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	// hostPattern is of the JSON Schema: of an address of IPv6 it only has the
	// characters.
	hostPattern = `^(?:\*\.` + label + `\.(?:` + label + `\.)*` + topLabel + `\.?` +
		`|(?:` + label + `\.)*` + topLabel + `\.?` +
		`|(?:` + octet + `\.){3}` + octet +
		`|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$|^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$`
	// longestName is DNS's, without the dot at its end (RFC 1035).
	longestName = 253
)

var (
	hostName  = regexp.MustCompile(`^(?:` + label + `\.)*` + topLabel + `$`)
	justPort  = regexp.MustCompile(`^[0-9]+$`)
	hostHints = []struct {
		has  func(string) bool
		hint string
	}{
		{justPort.MatchString, "a port is written without quotes"},
		{func(s string) bool { return s == "any" || s == "none" }, "any and none stand alone: network: any"},
		{func(s string) bool { return strings.Contains(s, "/") }, "the host alone, without https:// and path"},
		{func(s string) bool { return strings.Contains(s, "*") }, "*. stands for one label before a name of two or more: *.example.org"},
		{func(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > '~' }) >= 0 }, "names in other scripts are written as DNS has them: xn--…"},
	}
)

// networkHost reads an item of a list of hosts and gives HOST:PORT, or says what is
// wrong with it.
func networkHost(item string) (host, wrong, hint string) {
	const want = "want a host such as registry.example.org, *.example.org or example.org:8443"
	name, port := item, usualPort
	if before, digits, err := net.SplitHostPort(item); err == nil && !strings.Contains(item, "/") {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > math.MaxUint16 || strings.HasPrefix(digits, "+") {
			return "", fmt.Sprintf("want a port from 1 to %d after the host", math.MaxUint16), ""
		}
		name, port = before, n
	} else if strings.HasPrefix(item, "[") && strings.HasSuffix(item, "]") {
		name = item[1 : len(item)-1]
	}
	if addr, err := netip.ParseAddr(name); err == nil && addr.Zone() == "" {
		return netip.AddrPortFrom(addr.Unmap(), uint16(port)).String(), "", "" //nolint:gosec // in range
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	plain, any := strings.CutPrefix(name, "*.")
	if !hostName.MatchString(plain) || len(name) > longestName || any && !strings.Contains(plain, ".") || name == "any" || name == "none" {
		for _, h := range hostHints {
			if h.has(item) {
				return "", want, h.hint
			}
		}
		return "", want, ""
	}
	return net.JoinHostPort(name, strconv.Itoa(port)), "", ""
}
