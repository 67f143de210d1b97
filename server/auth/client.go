package auth

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client returns where a request comes from, as failures are counted: an IPv4 address,
// or the network of an IPv6 one, within which addresses cost nothing.
//
// Behind trusted proxies it is what the outermost of them says in X-Forwarded-For: each
// appends the address that it was asked from, so that the last one that is no trusted
// proxy's is the client's. What stands in front of it anybody may have made up.
func (l Lockout) client(req *http.Request) string {
	ip, ok := parseHost(req.RemoteAddr)
	if !ok {
		return req.RemoteAddr
	}
	if !l.trusts(ip) {
		return counted(ip)
	}
	hops := strings.Split(strings.Join(req.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, ok := parseHost(strings.TrimSpace(hop))
		if !ok { // the proxy that has passed this on is as far as one can see
			break
		}
		if ip = next; !l.trusts(ip) {
			break
		}
	}
	return counted(ip)
}

// trusts reports whether an address is a trusted proxy's.
func (l Lockout) trusts(ip netip.Addr) bool {
	return slices.ContainsFunc(l.Proxies, func(network netip.Prefix) bool { return network.Contains(ip) })
}

// parseHost reads an address with or without a port.
func parseHost(text string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	ip, err := netip.ParseAddr(text)
	return ip.Unmap().WithZone(""), err == nil
}

func counted(ip netip.Addr) string {
	if ip.Is6() {
		network, _ := ip.Prefix(64)
		return network.String()
	}
	return ip.String()
}
