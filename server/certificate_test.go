package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"settle/server"
)

// writeCertificate makes a self-signed certificate of 127.0.0.1 and its key.
func writeCertificate(t *testing.T, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

// http2Client speaks HTTP/2 and nothing else, and counts its connections.
func http2Client(t *testing.T, roots *x509.CertPool) (*http.Client, *atomic.Int32) {
	var dialed atomic.Int32
	protocols := new(http.Protocols)
	protocols.SetHTTP2(roots != nil)
	protocols.SetUnencryptedHTTP2(roots == nil)
	transport := &http.Transport{
		Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, &dialed
}

// manyFeeds wants twenty live feeds and a write to share one connection, and a
// shutdown to end them.
func manyFeeds(t *testing.T, r *running, client *http.Client, dialed *atomic.Int32) {
	t.Helper()
	send := func(method, path, body string) *http.Response {
		req, _ := http.NewRequest(method, r.url+path, strings.NewReader(body))
		req.SetBasicAuth("admin", "pass")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.ProtoMajor != 2 || res.StatusCode >= 300 {
			t.Fatalf("%s %s: %s %s", method, path, res.Proto, res.Status)
		}
		return res
	}
	send("PUT", "/alpha", "").Body.Close()
	feeds := make([]*http.Response, 20)
	for i := range feeds {
		feeds[i] = send("GET", "/alpha/_changes?feed=continuous&heartbeat=5000&since=now", "")
	}
	send("PUT", "/alpha/doc", "{}").Body.Close()
	for _, feed := range feeds {
		line := make([]byte, 20)
		if _, err := io.ReadFull(feed.Body, line); err != nil || !strings.HasPrefix(string(line), `{"seq":"1-`) {
			t.Fatalf("%q %v", line, err)
		}
	}
	if n := dialed.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	if err := r.end(patient); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	for _, feed := range feeds {
		if rest, err := io.ReadAll(feed.Body); err != nil || !strings.Contains(string(rest), `"last_seq"`) {
			t.Errorf("a feed ended with %q %v", rest, err)
		}
	}
}

func TestFeedsShareAnUnencryptedHTTP2Connection(t *testing.T) {
	r := start(t)
	client, dialed := http2Client(t, nil)
	manyFeeds(t, r, client, dialed)
}

func TestFeedsShareATLSConnection(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots := writeCertificate(t, certFile, keyFile)
	certificate, err := server.OpenCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := startWith(t, startOptions{certificate: certificate})
	client, dialed := http2Client(t, roots)
	manyFeeds(t, r, client, dialed)
	if err := <-r.served; err != nil {
		t.Error(err)
	}
}

func TestBadCertificates(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key)
	otherKey, junk := filepath.Join(dir, "other.key"), filepath.Join(dir, "junk")
	writeCertificate(t, filepath.Join(dir, "other.pem"), otherKey)
	if err := os.WriteFile(junk, []byte("secret words"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		cert, key string
		named     []string
	}{
		{filepath.Join(dir, "none.pem"), key, []string{"none.pem"}},
		{cert, filepath.Join(dir, "none.key"), []string{"none.key"}},
		{dir, key, []string{dir}},
		{junk, key, []string{junk, key}},
		{cert, junk, []string{cert, junk}},
		{key, cert, []string{cert, key}},
		{cert, otherKey, []string{cert, otherKey}},
	}
	for _, tt := range tests {
		_, err := server.OpenCertificate(tt.cert, tt.key, slog.New(slog.DiscardHandler))
		if err == nil {
			t.Errorf("%s, %s: no error", tt.cert, tt.key)
			continue
		}
		for _, name := range tt.named {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%v does not name %s", err, name)
			}
		}
		if strings.Contains(err.Error(), "secret words") {
			t.Errorf("%v holds what the file does", err)
		}
	}
}
