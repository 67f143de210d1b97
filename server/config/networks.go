package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseNetworks reads a list of addresses and networks, between commas. A network of
// all addresses is an error, since such a list names some that are trusted.
func ParseNetworks(text string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		network, err := parseNetwork(part)
		if err != nil {
			return nil, err
		}
		networks = append(networks, network)
	}
	return networks, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		return ip.Unmap().Prefix(ip.Unmap().BitLen())
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || network.Bits() == 0 || network.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is no address and no network", text)
	}
	return network.Masked(), nil
}

func isNetworks(text string) bool {
	_, err := ParseNetworks(text)
	return err == nil
}
