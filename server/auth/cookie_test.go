package auth_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"settle/server/auth"
)

func TestTokenOfCouchDB(t *testing.T) {
	const want = "YWxpY2U6NjVBMEJDMDA6xdx_3iigodawi5y3dZOsoQ-08NNnxUfxsBqRiE9rIZ4"
	if got := auth.NewToken("alice", 0x65A0BC00, "secret", "saltsalt"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	name, issued, mac, err := auth.DecodeToken(want + "==")
	if name != "alice" || issued != 0x65A0BC00 || len(mac) != 32 || err != nil {
		t.Errorf("read back: %s %x %x %v", name, issued, mac, err)
	}
}

func TestDecodeTokenRefuses(t *testing.T) {
	plain := base64.RawURLEncoding.EncodeToString
	for _, value := range []string{"bad", "*", "", plain([]byte("alice")), plain([]byte("alice:65A0BC00")), plain([]byte("alice:zz:mac")), plain([]byte("a:fffffffffffffffff:mac"))} {
		if _, _, _, err := auth.DecodeToken(value); err == nil {
			t.Errorf("%q was taken", value)
		}
	}
}

func FuzzDecodeToken(f *testing.F) {
	f.Add("alice", int64(0x65A0BC00), []byte("a:b:c"))
	f.Add("", int64(-1), []byte{})
	f.Fuzz(func(t *testing.T, name string, issued int64, mac []byte) {
		for i := range name {
			if name[i] == ':' {
				return
			}
		}
		value := auth.NewToken(name, issued, string(mac), "")
		gotName, gotIssued, gotMAC, err := auth.DecodeToken(value)
		if err != nil || gotName != name || gotIssued != issued || len(gotMAC) != 32 || bytes.Equal(gotMAC, mac) {
			t.Errorf("%q %d came back as %q %d %x: %v", name, issued, gotName, gotIssued, gotMAC, err)
		}
		auth.DecodeToken(name)
	})
}
