package auth_test

import (
	"net/http"
	"net/netip"
	"testing"

	"settle/server/auth"
)

// Who is no trusted proxy cannot say that a guess comes from elsewhere, and a trusted
// one only whom it was asked by.
func TestClientAddresses(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("fe80::/10")}
	for _, tt := range []struct {
		peer    string
		headers []string
		want    string
	}{
		{"1.2.3.4:5", nil, "1.2.3.4"},
		{"[2001:db8:1:2:3::4]:5", nil, "2001:db8:1:2::/64"},
		{"[::ffff:1.2.3.4]:5", nil, "1.2.3.4"},
		{"@", []string{"9.9.9.9"}, "@"},
		{"1.2.3.4:5", []string{"9.9.9.9"}, "1.2.3.4"},
		{"1.2.3.4:5", []string{"9.9.9.9, 10.0.0.1"}, "1.2.3.4"},
		{"[2001:db8::2]:5", []string{"9.9.9.9"}, "2001:db8::/64"},
		{"10.0.0.1:5", nil, "10.0.0.1"},
		{"10.0.0.1:5", []string{""}, "10.0.0.1"},
		{"10.0.0.1:5", []string{"9.9.9.9"}, "9.9.9.9"},
		{"[::ffff:10.0.0.1]:5", []string{"9.9.9.9"}, "9.9.9.9"},
		{"[2001:db8::1]:5", []string{"9.9.9.9"}, "9.9.9.9"},
		{"[fe80::1%eth0]:5", []string{"9.9.9.9"}, "9.9.9.9"},
		{"10.0.0.1:5", []string{" 9.9.9.9:1234 "}, "9.9.9.9"},
		{"10.0.0.1:5", []string{"[2001:db8:1:2:3::4]:1234"}, "2001:db8:1:2::/64"},
		{"10.0.0.1:5", []string{"2001:db8:1:2:3::4"}, "2001:db8:1:2::/64"},
		{"10.0.0.1:5", []string{"8.8.8.8, 9.9.9.9"}, "9.9.9.9"},
		{"10.0.0.1:5", []string{"8.8.8.8", "9.9.9.9"}, "9.9.9.9"},
		{"10.0.0.1:5", []string{"8.8.8.8, 9.9.9.9, 10.0.0.3", "10.0.0.2"}, "9.9.9.9"},
		{"10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:5", []string{"10.9.9.9, 9.9.9.9"}, "9.9.9.9"},
		{"10.0.0.1:5", []string{"9.9.9.9, unknown"}, "10.0.0.1"},
		{"10.0.0.1:5", []string{"9.9.9.9, _hidden, 10.0.0.2"}, "10.0.0.2"},
		{"10.0.0.1:5", []string{"9.9.9.9,"}, "10.0.0.1"},
		{"10.0.0.1:5", []string{"9.9.9.9", ""}, "10.0.0.1"},
		{"10.0.0.1:5", []string{"9.9.9.9 8.8.8.8"}, "10.0.0.1"},
		{"10.0.0.1:5", []string{`"9.9.9.9"`}, "10.0.0.1"},
	} {
		req := from(tt.peer)
		for _, value := range tt.headers {
			req.Header.Add("X-Forwarded-For", value)
		}
		if got := auth.Client(auth.Lockout{Proxies: proxies}, req); got != tt.want {
			t.Errorf("%s, %q: %s, want %s", tt.peer, tt.headers, got, tt.want)
		}
		if got, alone := auth.Client(auth.Lockout{}, req), auth.Client(auth.Lockout{}, from(tt.peer)); got != alone {
			t.Errorf("%s, %q: %s, want %s where no proxy is trusted", tt.peer, tt.headers, got, alone)
		}
	}
}

func from(peer string) *http.Request {
	req := request("GET", "/")
	req.RemoteAddr = peer
	return req
}
