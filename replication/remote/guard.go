package remote

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"settle/replication"
)

// Guard says which addresses a replication may reach. It is asked with the address
// that a connection is about to be made to, so after names are resolved, and again on
// every redirect.
type Guard struct {
	all      bool
	public   bool
	private  bool
	prefixes []netip.Prefix
	hosts    []string
	own      netip.AddrPort // where this server itself can be asked by everybody
}

// OpenGuard lets everything pass.
func OpenGuard() *Guard { return &Guard{all: true} }

// WithOwn returns a guard that lets pass, too, what this server itself listens on. An
// address that is not specified stands for all that the machine has.
func (g *Guard) WithOwn(listener netip.AddrPort) *Guard {
	with := *g
	with.own = netip.AddrPortFrom(listener.Addr().Unmap(), listener.Port())
	return &with
}

// isOwn reports whether an address leads to this server.
func (g *Guard) isOwn(to netip.AddrPort) bool {
	addr := to.Addr().Unmap()
	switch {
	case !g.own.IsValid() || to.Port() != g.own.Port():
		return false
	case !g.own.Addr().IsUnspecified():
		return addr == g.own.Addr()
	}
	ours, err := net.InterfaceAddrs()
	for _, a := range ours {
		if n, ok := a.(*net.IPNet); ok && err == nil && n.IP.Equal(addr.AsSlice()) {
			return true
		}
	}
	return false
}

// ParseGuard reads a list between commas: addresses, prefixes as 10.0.0.0/8, names of
// hosts, and the words "public" (what can be reached on the Internet), "private" and
// "all". The error is Invalid.
func ParseGuard(list string) (*Guard, error) {
	g := new(Guard)
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.ToLower(strings.TrimSpace(entry))
		prefix, notPrefix := netip.ParsePrefix(entry)
		addr, notAddr := netip.ParseAddr(strings.Trim(entry, "[]"))
		switch {
		case entry == "":
		case entry == "all":
			g.all = true
		case entry == "public":
			g.public = true
		case entry == "private":
			g.private = true
		case notPrefix == nil:
			g.prefixes = append(g.prefixes, prefix.Masked())
		case notAddr == nil:
			addr = addr.Unmap()
			g.prefixes = append(g.prefixes, netip.PrefixFrom(addr, addr.BitLen()))
		case strings.ContainsAny(entry, "/:@ *"):
			return nil, replication.Errorf(replication.Invalid, "%q is neither an address, a prefix nor a name", entry)
		default:
			g.hosts = append(g.hosts, strings.TrimSuffix(entry, "."))
		}
	}
	return g, nil
}

// errAddress is the error of an address that the guard refuses. It does not tell
// which one: that would show how names resolve inside.
var errAddress = &replication.Error{Kind: replication.Forbidden, Reason: "replication with that address is not allowed here"}

// internal are addresses beside those that netip knows for private, which lead
// into somebody's network.
var internal = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("::/96"),
}

// allows reports whether a connection to an address may be made, for a host that was
// named so.
func (g *Guard) allows(host string, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if g.all || slices.Contains(g.hosts, strings.ToLower(strings.TrimSuffix(host, "."))) {
		return true
	}
	for _, p := range g.prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	if isInternal(addr) {
		return g.private
	}
	return g.public
}

func isInternal(addr netip.Addr) bool {
	for _, p := range internal {
		if p.Contains(addr) {
			return true
		}
	}
	return !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast()
}

// dialer connects to what the guard lets pass.
type dialer struct {
	guard *Guard
	net.Dialer
}

func newDialer(guard *Guard, timeout time.Duration) *dialer {
	return &dialer{guard: guard, Dialer: net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}}
}

// DialContext connects to a host and port.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	once := d.Dialer
	once.Control = func(_, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil || !d.guard.allows(host, to.Addr()) && !d.guard.isOwn(to) {
			return errAddress
		}
		return nil
	}
	conn, err := once.DialContext(ctx, network, address)
	if errors.Is(err, errAddress) {
		return nil, errAddress
	}
	if err != nil {
		return nil, err
	}
	return &patientConn{Conn: conn, patience: d.Timeout}, nil
}

// patientConn is a connection that breaks when nothing moves on it for some time.
type patientConn struct {
	net.Conn
	patience time.Duration
}

// Read waits for bytes for as long as patience lasts.
func (c *patientConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write sends bytes, and lets a waiting Read be patient from now on.
func (c *patientConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
