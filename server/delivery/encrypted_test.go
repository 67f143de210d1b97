package delivery_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"settle/server/delivery"
)

// The parts of OpenPGP messages: session keys for a public key, of both versions and
// in both formats, one for a passphrase, and encrypted data.
var (
	pkesk    = "\xc1\x0e\x03keyidkid\x01\x00\x04abc"[:2+14]
	oldPKESK = "\x84\x0e\x03keyidkid\x01\x00\x04abc"[:2+14]
	pkesk6   = "\xc1\x1b\x06\x15\x04" + strings.Repeat("f", 20) + "\x19\x00ab"
	skesk    = "\xc3\x04\x04\x09\x00\x08"
	seipd    = "\xd2\xff\x00\x10\x00\x00\x01data"
	partial  = "\xd2\xe9\x01data"
	marker   = "\xca\x03PGP"
	literal  = "\xcb\x08b\x00\x00\x00\x00\x00hi"
)

func armored(message, head string) string {
	text := base64.StdEncoding.EncodeToString([]byte(message))
	return "-----BEGIN PGP MESSAGE-----\n" + head + "\n" + text[:20] + "\n" + text[20:] + "\n=abcd\n-----END PGP MESSAGE-----\n"
}

func ageFile(t testing.TB) string {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, identity.Recipient())
	if err == nil {
		io.WriteString(w, "content")
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestIsEncrypted(t *testing.T) {
	file := ageFile(t)
	for content, want := range map[string]bool{
		file: true, pkesk + seipd: true, oldPKESK + partial: true, pkesk6 + seipd: true, marker + skesk + pkesk + seipd: true,
		armored(pkesk+seipd, ""): true, armored(pkesk+partial, "Version: 1\n"): true,
		strings.ReplaceAll(armored(pkesk+seipd, "Comment: x\n"), "\n", "\r\n"): true,

		"": false, "plain": false, file[:30]: false, " " + file: false, "age-encryption.org/v1\nplain": false,
		pkesk: false, pkesk + "plain": false, pkesk + literal: false, skesk + seipd: false, seipd: false, literal: false, marker + seipd: false,
		"\xc1\x01\x03" + seipd: false, "\xc1\xff\xff\xff\xff\xffx": false, "\xc1\xff\x80\x00\x00\x00x": false, "\x86\xff\xff\xff\xff\x03x": false, "\x87" + seipd: false, "\xc1": false, "\xc1\xe0": false,
		armored(literal+strings.Repeat("x", 20), ""): false, armored(skesk+seipd+"xxxx", ""): false,
		"-----BEGIN PGP MESSAGE-----\n": false, "-----BEGIN PGP MESSAGE-----\n\nplain text, not base64!\n": false, "x" + armored(pkesk+seipd, ""): false,
		"-----BEGIN PGP SIGNED MESSAGE-----\n\ntext": false,
	} {
		r := bufio.NewReaderSize(strings.NewReader(content), delivery.HeaderBytes)
		got, err := delivery.IsEncrypted(r)
		if got != want || err != nil {
			t.Errorf("%.60q: %v, %v", content, got, err)
		}
		if rest, err := io.ReadAll(r); err != nil || string(rest) != content {
			t.Errorf("%.60q: some of it was taken", content)
		}
	}
}

// FuzzIsEncrypted wants no answer but false for what has neither age's nor OpenPGP's
// first bytes.
func FuzzIsEncrypted(f *testing.F) {
	for _, content := range []string{ageFile(f), pkesk + seipd, pkesk6, armored(pkesk+seipd, ""), "plain", marker + skesk} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := delivery.IsEncrypted(bufio.NewReaderSize(bytes.NewReader(content), delivery.HeaderBytes))
		if err != nil {
			t.Fatal(err)
		}
		may := len(content) > 0 && content[0]&0x80 != 0 || bytes.HasPrefix(content, []byte("age-encryption.org/v1\n")) || bytes.HasPrefix(content, []byte("-----BEGIN PGP MESSAGE-----"))
		if got && !may {
			t.Errorf("%q is taken for encrypted", content)
		}
	})
}
