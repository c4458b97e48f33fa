package proxy

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// fakeNames are addresses by name.
type fakeNames map[string][]string

func (f fakeNames) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, a := range f[host] {
		all = append(all, netip.MustParseAddr(a))
	}
	if len(all) == 0 {
		return nil, errors.New("no such host")
	}
	return all, nil
}

func rules(t testing.TB, texts ...string) list {
	t.Helper()
	var all list
	for _, text := range texts {
		r, err := ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestAddresses(t *testing.T) {
	names := fakeNames{
		"example.org": {"93.184.215.14"}, "a.example.org": {"93.184.215.15"}, "a.b.example.org": {"93.184.215.16"},
		"localhost": {"127.0.0.1", "::1", "8.8.8.8"}, "rebound.org": {"127.0.0.1"}, "both.org": {"10.0.0.1", "93.184.215.17"},
		"mapped.org": {"::ffff:127.0.0.1"}, "meta.org": {"169.254.169.254"}, "meta6.org": {"fd00:ec2::254"},
		"zero.org": {"0.0.0.0"}, "shared.org": {"100.100.100.200"}, "translated.org": {"64:ff9b::7f00:1"}, "link.org": {"fe80::1"},
		"cast.org": {"224.0.0.1"}, "v6.org": {"2606:2800:21f:cb07:6820:80da:af6b:8b2c"}, "0x7f.1": {"127.0.0.1"},
		"azure.org": {"168.63.129.16"},
	}
	for _, c := range []struct {
		list   string
		target string
		want   string // addresses, or a part of the error
	}{
		{"example.org:443", "example.org:443", "93.184.215.14:443"},
		{"example.org:443", "Example.ORG.:443", "93.184.215.14:443"},
		{"example.org:443", "example.org:80", "add example.org:80 there"},
		{"example.org:443", "a.example.org:443", "not on the network list"},
		{"example.org:443", "xexample.org:443", "not on the network list"},
		{"example.org:443", "93.184.215.14:443", "not on the network list"},
		{"*.example.org:443", "a.example.org:443", "93.184.215.15:443"},
		{"*.example.org:443", "example.org:443", "not on the network list"},
		{"*.example.org:443", "a.b.example.org:443", "not on the network list"},
		{"*.example.org:443", ".example.org:443", "not on the network list"},
		{"*.example.org:443", "*.example.org:443", "no such host"},
		{"93.184.215.14:443", "93.184.215.14:443", "93.184.215.14:443"},
		{"93.184.215.14:443", "[::ffff:93.184.215.14]:443", "93.184.215.14:443"},
		{"127.0.0.1:443", "127.0.0.1:443", "127.0.0.1:443"},
		{"127.0.0.1:443", "127.0.0.1:444", "not on the network list"},
		{"127.0.0.1:443", "2130706433:443", "not on the network list"},
		{"[::1]:443", "[::1]:443", "[::1]:443"},
		{"[fe80::1]:443", "[fe80::1%lo]:443", "not on the network list"},
		{"localhost:443", "localhost:443", "127.0.0.1:443 [::1]:443 8.8.8.8:443"},
		{"rebound.org:443", "rebound.org:443", "leads to 127.0.0.1, which is no public address; list 127.0.0.1:443 too"},
		{"rebound.org:443 127.0.0.1:443", "rebound.org:443", "127.0.0.1:443"},
		{"rebound.org:443 127.0.0.1:80", "rebound.org:443", "no public address"},
		{"rebound.org:443 localhost:443", "rebound.org:443", "no public address"},
		{"both.org:443", "both.org:443", "93.184.215.17:443"},
		{"mapped.org:443", "mapped.org:443", "no public address"},
		{"meta.org:443", "meta.org:443", "no public address"},
		{"meta6.org:443", "meta6.org:443", "no public address"},
		{"zero.org:443", "zero.org:443", "no public address"},
		{"shared.org:443", "shared.org:443", "no public address"},
		{"translated.org:443", "translated.org:443", "no public address"},
		{"link.org:443", "link.org:443", "no public address"},
		{"azure.org:443", "azure.org:443", "no public address"},
		{"cast.org:443", "cast.org:443", "no public address"},
		{"v6.org:443", "v6.org:443", "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443"},
		{"example.org:443", "example.org", "no HOST:PORT"},
		{"example.org:443", "example.org:https", "no HOST:PORT"},
		{"example.org:443", "example.org:65979", "no HOST:PORT"}, // 443 more than 65536
		{"example.org:443", ":443", "no HOST:PORT"},
		{"gone.org:443", "gone.org:443", "cannot find gone.org"},
	} {
		got, err := rules(t, strings.Fields(c.list)...).addresses(t.Context(), names, public, c.target)
		var texts []string
		for _, a := range got {
			texts = append(texts, a.String())
		}
		said := strings.Join(texts, " ")
		if err != nil {
			said = err.Error()
		}
		if err == nil && said != c.want || err != nil && !strings.Contains(said, c.want) {
			t.Errorf("%s with the list %s: got %s, want %s", c.target, c.list, said, c.want)
		}
	}
}

// Whatever is asked for, what is connected to is on the list.
func FuzzAddresses(f *testing.F) {
	for _, s := range []string{"example.org:443", "a.example.org:443", "EXAMPLE.org.:443", "[::ffff:10.0.0.1]:80", "10.0.0.1:80", "x:y", "[::1%a]:80"} {
		f.Add(s)
	}
	l := rules(f, "example.org:443", "*.example.org:443", "10.0.0.1:80")
	f.Fuzz(func(t *testing.T, target string) {
		asked := &asked{}
		got, err := l.addresses(t.Context(), asked, public, target)
		if err != nil {
			return
		}
		for _, a := range got {
			if asked.name == "" && a.String() != "10.0.0.1:80" || asked.name != "" && a.String() != "93.184.215.14:443" {
				t.Errorf("%q leads to %s", target, a)
			}
		}
		if name := asked.name; name != "" && name != "example.org" && (strings.Count(name, ".") != 2 || !strings.HasSuffix(name, ".example.org")) {
			t.Errorf("%q has %q resolved", target, name)
		}
	})
}

// asked resolves all names to one address, and notes the name.
type asked struct{ name string }

func (a *asked) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	a.name = host
	return []netip.Addr{netip.MustParseAddr("93.184.215.14")}, nil
}

func TestParseRuleRefuses(t *testing.T) {
	for _, text := range []string{"", "example.org", "example.org:", "example.org:0", "example.org:65536", ":443", "a:b:1"} {
		if r, err := ParseRule(text); err == nil {
			t.Errorf("%q is read as %v", text, r)
		}
	}
	if !slices.Equal(rules(t, "EXAMPLE.org:1"), rules(t, "example.org.:1")) {
		t.Error("names are not compared without case")
	}
}
