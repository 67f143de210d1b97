package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"settle/server/mail"
)

// lmtpCmd takes mail over LMTP.
type lmtpCmd struct {
	delivererFlags
	To              string `required:"" placeholder:"URL" env:"SETTLE_TO" help:"The server: https://couch.example.org."`
	Listen          string `default:"127.0.0.1:2424" placeholder:"ADDR" env:"SETTLE_LMTP_LISTEN" help:"Where the mail transfer agent delivers to: HOST:PORT, or unix:PATH."`
	SocketMode      string `default:"0660" placeholder:"MODE" help:"The mode of the socket at PATH."`
	Recipients      string `required:"" type:"path" placeholder:"FILE" env:"SETTLE_RECIPIENTS" help:"Lines of ADDRESS DATABASE; read again once it changes."`
	Secret          string `required:"" type:"path" placeholder:"FILE" env:"SETTLE_LMTP_SECRET" help:"Makes the ids by which a message is known again; made where there is none. Keep it."`
	MaxSize         int64  `default:"67108864" placeholder:"BYTES" help:"The largest message."`
	SpoolDir        string `type:"path" placeholder:"DIR" help:"Where long messages are held, sealed, until they are delivered; default: the system's directory for such files."`
	RefuseOverQuota bool   `help:"Answer 552 for a database that is full, so that the sender is told; else 452, and the agent tries again."`
}

// Help returns what stands below the flags.
func (lmtpCmd) Help() string {
	return `An ADDRESS is a whole one, or @DOMAIN, or @ for all others. DATABASE may have {local}
and {domain} for the parts of the recipient's address, and {hex} for the former in
hexadecimal, as in userdb-{hex}. The user who delivers must be among the deliverers
in the security objects of these databases.

With Postfix:  virtual_transport = lmtp:inet:127.0.0.1:2424`
}

// Run takes mail until SIGINT or SIGTERM.
func (c *lmtpCmd) Run(env *environment) error {
	harden()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := c.options(env)
	if err != nil {
		return err
	}
	listener, err := c.listen()
	if err != nil {
		return err
	}
	server := mail.New(o)
	if _, err := fmt.Fprintf(env.stdout, "taking mail on %s\n", listener.Addr()); err != nil {
		listener.Close()
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop() // a second signal ends the process at once
	ending, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	return server.Shutdown(ending)
}

// options reads what the server stands on.
func (c *lmtpCmd) options(env *environment) (mail.Options, error) {
	o := mail.Options{MaxSize: c.MaxSize, SpoolDir: c.SpoolDir, RefuseOverQuota: c.RefuseOverQuota, Logger: env.logger}
	var err error
	if o.Courier, err = c.courier(env, c.To); err != nil {
		return o, err
	}
	if o.Mapping, err = mail.OpenMapping(c.Recipients); err != nil {
		return o, err
	}
	if o.Secret, err = mail.OpenSecret(c.Secret); err != nil {
		return o, err
	}
	o.Hostname, err = os.Hostname()
	return o, err
}

// listen opens the port or the socket. A socket that nobody listens on any more is
// replaced.
func (c *lmtpCmd) listen() (net.Listener, error) {
	path, isSocket := strings.CutPrefix(c.Listen, "unix:")
	if !isSocket {
		return net.Listen("tcp", c.Listen)
	}
	mode, err := strconv.ParseUint(c.SocketMode, 8, 9)
	if err != nil {
		return nil, &exitError{exitUsage, errors.New("--socket-mode must be an octal number such as 0660")}
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
		if conn, err := net.Dial("unix", path); err == nil {
			conn.Close()
			return nil, fmt.Errorf("another process listens on %s", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, fs.FileMode(mode)); err != nil {
		listener.Close()
		return nil, err
	}
	return listener, nil
}
