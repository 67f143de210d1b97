package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"settle/server"
	"settle/server/auth"
	"settle/server/config"
	"settle/server/dbupdates"
	"settle/server/peruser"
	"settle/server/query"
	"settle/server/users"
	"settle/storage/view"
	"settle/storage/view/javascript"
)

// serveCmd serves a data directory.
type serveCmd struct {
	location
	settingFlags
	Listen        string `placeholder:"ADDR" env:"SETTLE_LISTEN" help:"The address to listen on (127.0.0.1:5984); port 0 takes a free one."`
	TLSCert       string `name:"tls-cert" type:"path" placeholder:"FILE" env:"SETTLE_TLS_CERT" help:"Serve with TLS: the PEM certificate, with its chain. Read again once it changes."`
	TLSKey        string `name:"tls-key" type:"path" placeholder:"FILE" env:"SETTLE_TLS_KEY" help:"The PEM key of the certificate."`
	AcceptKeyring bool   `env:"SETTLE_ACCEPT_KEYRING" help:"Take a keyring that is not the one pinned beside the identity, after a restore."`
	NeedIdentity  bool   `help:"Make no identity at the first start. For containers, whose own files are thrown away with them."`
}

// Help returns what stands below the flags.
func (serveCmd) Help() string {
	return `The first start makes the store and, where there is none, the identity that opens
it. Keep a copy of the identity elsewhere: without it nothing can be read again.

COUCHDB_USER and COUCHDB_PASSWORD name an administrator. Where nothing names one the
first start makes one and prints the password, once. COUCHDB_SECRET signs cookies.`
}

// Validate refuses half of a pair.
func (c *serveCmd) Validate() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key must be given together")
	}
	return nil
}

// shutdownTime is how long running requests have to end. Together with the closing of
// the store it stays below the 10 seconds after which containers are killed.
const shutdownTime = 8 * time.Second

// Run serves until SIGINT or SIGTERM.
func (c *serveCmd) Run(env *environment) error {
	harden()
	if err := auth.CheckGiven(env.getenv("COUCHDB_USER"), env.getenv("COUCHDB_PASSWORD")); err != nil {
		return err
	}
	settings, err := c.read(env)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go boundMemory(ctx, env.getenv)

	o := opening{location: c.location, acceptKeyring: c.AcceptKeyring, needIdentity: c.NeedIdentity, getenv: env.getenv, logger: env.logger}
	o.fatal = func(err error) {
		os.Exit(fail(env.stderr, fmt.Errorf("the store can be written no more, and the next start recovers it: %w", err)))
	}
	certificate, err := c.certificate(env)
	if err != nil {
		return err
	}
	lock, err := o.lockData()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", settings.listen(c.Listen))
	if err != nil {
		lock.abandon()
		return err
	}
	store, err := o.open(ctx, lock)
	if err != nil {
		listener.Close()
		lock.abandon()
		return err
	}
	front := entrance{Listener: listener, certificate: certificate, settings: settings}
	err = c.serve(ctx, stop, env, store, front)
	return errors.Join(err, store.Close())
}

// certificate reads the TLS certificate; nil where there is to be no TLS.
func (c *serveCmd) certificate(env *environment) (*server.Certificate, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	return server.OpenCertificate(c.TLSCert, c.TLSKey, env.logger)
}

// entrance is where requests come in, and what is said of them from outside.
type entrance struct {
	net.Listener
	certificate *server.Certificate // nil: without TLS
	settings    *startSettings
}

// url is what clients call the server, without a final slash.
func (e entrance) url() string {
	if e.certificate != nil {
		return "https://" + e.Addr().String()
	}
	return "http://" + e.Addr().String()
}

// serve answers requests until ctx ends; stop gives the signals back to the system.
func (c *serveCmd) serve(ctx context.Context, stop func(), env *environment, store *opened, front entrance) error {
	defer front.Close()
	greet := greeting{env: env, store: store, data: c.Data, url: front.url()}
	conf, err := config.Open(ctx, store, front.settings.sources...)
	if err != nil {
		return err
	}
	front.settings.logOutranked(conf, env.logger)
	if err := server.CreateSystemDatabases(ctx, store.Store); err != nil {
		return err
	}
	admins, err := auth.Open(ctx, auth.Options{
		Settings: store, Users: &users.Remembered{Source: users.Source{Databases: store}}, Policy: server.AuthPolicy(conf),
		User: env.getenv("COUCHDB_USER"), Password: env.getenv("COUCHDB_PASSWORD"),
		Admins: front.settings.file.Admins, Announce: greet.firstAdmin,
	})
	if err != nil {
		return err
	}
	defer admins.Close()
	perUser := peruser.Start(peruser.Options{Store: store.Store, Config: conf, Logger: env.logger})
	defer perUser.Close()
	events := dbupdates.Start(store.Store, env.logger)
	defer events.Close()
	indexes := view.New(view.Options{Functions: javascript.Functions(store.functions), Logger: env.logger})
	defer indexes.Close()
	following := query.Follow(store.Store, indexes, env.logger)
	defer following.Close()
	s := server.New(server.Options{Store: store.Store, Indexes: indexes, Functions: store.functions, Auth: admins, Config: conf, Logger: env.logger, Certificate: front.certificate})
	if err := greet.print(admins.Names()); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(front.Listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop() // a second signal ends the process at once
	env.logger.Info("ending")
	ending, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	return s.Shutdown(ending)
}

// greeting tells, on standard output, what to do next.
type greeting struct {
	env   *environment
	store *opened
	data  string
	url   string
}

// firstAdmin shows the password that the first start makes.
func (g greeting) firstAdmin(name, password string) error {
	_, err := fmt.Fprintf(g.env.stdout, "password of %s, shown this once: %s\n", name, password)
	return err
}

// print shows who may log in, where to sync to, and what opens the store.
func (g greeting) print(admins []string) error {
	made := ""
	if g.store.unlocked.CreatedIdentity {
		made = " (just made: keep a copy elsewhere, nothing can be read without it)"
	}
	_, err := fmt.Fprintf(g.env.stdout, `admin:     %s
sync with: %s/DATABASE, as that admin
data:      %s
identity:  %s%s
listening on %s
`, strings.Join(admins, ", "), g.url, g.data, g.store.unlocked.IdentityPath, made, g.url)
	return err
}
