package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateAge is for how long a certificate counts before its files are
// looked at again.
const certificateAge = time.Second

// Certificate is the server's TLS certificate. It follows its two files: once
// they have changed, new connections get the new certificate. It is safe for
// concurrent use.
type Certificate struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu      sync.Mutex // guards what is below
	current *tls.Certificate
	seen    [2]os.FileInfo // of the files when they were last read, be it in vain
	missing bool           // the files could not be looked at, and the log says so
	looked  time.Time
}

// OpenCertificate reads a PEM certificate, with the chain behind it, and its PEM
// key. The error names the file that cannot be read, or both where they do not
// belong together; it never holds anything of the key.
func OpenCertificate(certFile, keyFile string, logger *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, logger: logger, looked: time.Now()}
	files, err := c.stat()
	if err != nil {
		return nil, err
	}
	if err := c.read(files); err != nil {
		return nil, err
	}
	return c, nil
}

// tlsConfig returns how to serve with the certificate: TLS 1.2 and later, HTTP/2
// for clients that offer it.
func (c *Certificate) tlsConfig() *tls.Config {
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil },
		NextProtos:     []string{"h2", "http/1.1"},
		MinVersion:     tls.VersionTLS12,
	}
}

// get returns the certificate. Where the files cannot be used any more it is the
// last one that could, and the log says once what is wrong.
func (c *Certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < certificateAge {
		return c.current
	}
	c.looked = time.Now()
	files, err := c.stat()
	if err != nil {
		if !c.missing {
			c.logger.Warn("the TLS certificate stays as it was", "error", err)
		}
		c.missing = true
		return c.current
	}
	c.missing = false
	if same(files[0], c.seen[0]) && same(files[1], c.seen[1]) {
		return c.current
	}
	if err := c.read(files); err != nil {
		c.logger.Warn("the TLS certificate stays as it was", "error", err)
	}
	return c.current
}

// stat looks at the files. It comes before reading them, so that what changes in
// between is seen the next time.
func (c *Certificate) stat() (files [2]os.FileInfo, err error) {
	if files[0], err = os.Stat(c.certFile); err != nil {
		return files, fmt.Errorf("the TLS certificate: %w", err)
	}
	if files[1], err = os.Stat(c.keyFile); err != nil {
		return files, fmt.Errorf("the TLS key: %w", err)
	}
	return files, nil
}

// read reads the files, whose state was files.
func (c *Certificate) read(files [2]os.FileInfo) error {
	c.seen = files
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return fmt.Errorf("the TLS certificate: %w", err)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return fmt.Errorf("the TLS key: %w", err)
	}
	defer clear(key)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("the TLS certificate %s and key %s cannot be used: %w", c.certFile, c.keyFile, err)
	}
	c.current = &pair
	c.report(pair.Leaf)
	return nil
}

// report logs until when the certificate is valid.
func (c *Certificate) report(leaf *x509.Certificate) {
	if now := time.Now(); now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		c.logger.Warn("the TLS certificate is not valid today", "file", c.certFile, "from", leaf.NotBefore, "until", leaf.NotAfter)
		return
	}
	c.logger.Info("using a TLS certificate", "file", c.certFile, "until", leaf.NotAfter)
}

// same reports whether a file has not been written or replaced.
func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
