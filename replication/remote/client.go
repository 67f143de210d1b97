package remote

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"settle/replication"
)

// UserAgent is what peers see.
const UserAgent = "CouchDB-Replicator/3.5.0 (settle)"

// TLS says how peers' certificates are checked.
type TLS struct {
	Verify   bool
	CAFile   string // PEM, beside the system's; empty: none
	CertFile string // PEM, of this server as a client; empty: none
	KeyFile  string
}

func (t TLS) config() (*tls.Config, error) {
	c := &tls.Config{InsecureSkipVerify: !t.Verify, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, &replication.Error{Kind: replication.Failed, Reason: "the file of certificate authorities cannot be read"}
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, &replication.Error{Kind: replication.Failed, Reason: "the file of certificate authorities has none"}
		}
		c.RootCAs = pool
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, &replication.Error{Kind: replication.Failed, Reason: "the client certificate cannot be read"}
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// maxRedirects is how often a peer may send a request elsewhere.
const maxRedirects = 10

// newClient returns the HTTP client of one endpoint: it logs in, adds the headers,
// and connects to what the guard lets pass.
func newClient(e *replication.Endpoint, o Options) (*http.Client, error) {
	config, err := o.TLS.config()
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(e.URL)
	if err != nil {
		return nil, replication.ErrBadURL
	}
	transport := &http.Transport{
		DialContext:           newDialer(o.Guard, o.Timeout).DialContext,
		TLSClientConfig:       config,
		ForceAttemptHTTP2:     false,
		MaxConnsPerHost:       o.Connections,
		MaxIdleConnsPerHost:   o.Connections,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   o.Timeout,
		ResponseHeaderTimeout: o.Timeout,
		WriteBufferSize:       32 << 10,
		ReadBufferSize:        32 << 10,
	}
	if e.Proxy != "" {
		proxy, err := url.Parse(e.Proxy)
		if err != nil {
			return nil, replication.Errorf(replication.Invalid, "the proxy has an invalid url")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	return &http.Client{
		Transport:     &session{endpoint: e, base: base, next: transport},
		CheckRedirect: checkRedirect,
	}, nil
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	if req.URL.Scheme != "https" && via[0].URL.Scheme == "https" {
		return &replication.Error{Kind: replication.Forbidden, Reason: "the peer redirects to a place without encryption"}
	}
	return nil
}
