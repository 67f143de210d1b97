package settletest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificate is a certificate of its own issuer for 127.0.0.1 and localhost,
// valid for a day.
type Certificate struct {
	Cert, Key string // PEM files
	pool      *x509.CertPool
}

// NewCertificate makes a certificate whose files end with the test.
func NewCertificate(t testing.TB) *Certificate {
	t.Helper()
	c, err := newCertificate(t.TempDir())
	if err != nil {
		t.Fatalf("making a certificate: %v", err)
	}
	return c
}

func newCertificate(dir string) (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "settle tests"},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, // node takes no other as trusted
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	c := &Certificate{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), pool: x509.NewCertPool()}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	if !c.pool.AppendCertsFromPEM(text) {
		return nil, errors.New("the certificate cannot be read")
	}
	if err := os.WriteFile(c.Cert, text, 0o600); err != nil {
		return nil, err
	}
	return c, os.WriteFile(c.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}

// Client returns a client that trusts the certificate, and no other.
func (c *Certificate) Client() *http.Client { return &http.Client{Transport: c.transport()} }

// transport trusts the certificate; without one, what the system trusts.
func (c *Certificate) transport() *http.Transport {
	t := &http.Transport{DisableKeepAlives: true}
	if c != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: c.pool}
	}
	return t
}
