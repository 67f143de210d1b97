package config_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/config"
)

func TestParseNetworks(t *testing.T) {
	for text, want := range map[string]string{
		"": "[]", " , ": "[]", "127.0.0.1": "[127.0.0.1/32]", "::1": "[::1/128]", "::ffff:10.0.0.1": "[10.0.0.1/32]",
		"10.1.2.3/8, ::1 ,2001:db8::5/32": "[10.0.0.0/8 ::1/128 2001:db8::/32]",
	} {
		networks, err := config.ParseNetworks(text)
		if diff := cmp.Diff(want, fmt.Sprint(networks)); err != nil || diff != "" {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
	for _, text := range []string{"*", "localhost", "10.0.0.0/33", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "fe80::1%eth0", "10.0.0.1 10.0.0.2", "10.0.0.1:80"} {
		if _, err := config.ParseNetworks(text); err == nil {
			t.Errorf("%q was taken", text)
		}
		c := open(t, &settings{values: map[string][]byte{}})
		if _, err := c.Set(t.Context(), config.TrustedProxies, text, true); err == nil {
			t.Errorf("%q was set", text)
		}
	}
}
