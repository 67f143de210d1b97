package mail

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"settle/server/courier"
)

// Options says where messages go. All but SpoolDir and RefuseOverQuota are required.
type Options struct {
	Courier  *courier.Courier
	Mapping  *Mapping
	Secret   Secret
	Hostname string // that greets the agent
	MaxSize  int64  // of a message, in bytes
	SpoolDir string // for long messages that are being delivered; "": the system's place
	// RefuseOverQuota answers 552 for a database that is full, so that the sender is
	// told, and not 452, after which the agent tries again for some days.
	RefuseOverQuota bool
	Logger          *slog.Logger
}

// Bounds on connections.
const (
	// maxLine is beyond all that SMTP allows, because messages in the wild are.
	maxLine       = 1 << 20
	maxRecipients = 1000
	// patience is how long an agent may be silent. Between its last byte and the
	// answer nobody counts.
	patience = 5 * time.Minute
)

// Server takes messages.
type Server struct {
	smtp     *smtp.Server
	cancel   context.CancelFunc // ends the deliveries
	draining atomic.Bool        // no message is taken any more
	busy     sync.RWMutex       // read-locked by who delivers a message
}

// New returns a server that is not listening yet.
func New(o Options) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	server := &Server{cancel: cancel}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{ctx: ctx, server: server, o: &o, log: o.Logger, conn: c.Conn().(*conn)}, nil
	}))
	server.smtp = s
	s.LMTP = true
	s.Domain = o.Hostname
	s.MaxMessageBytes = o.MaxSize
	s.MaxRecipients = maxRecipients
	s.MaxLineLength = maxLine
	s.ReadTimeout, s.WriteTimeout = patience, patience
	s.EnableSMTPUTF8 = true
	s.EnableBINARYMIME = true
	s.ErrorLog = slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug)
	return server
}

// Serve takes messages on a listener, which it closes, until Shutdown. The error is nil
// after Shutdown.
func (s *Server) Serve(l net.Listener) error {
	err := s.smtp.Serve(listener{l})
	if errors.Is(err, smtp.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown takes no more messages, waits for those that are being delivered until ctx
// ends, and cuts the connections. An agent that has had no answer sends its message
// again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	stop := context.AfterFunc(ctx, s.cancel)
	defer stop()
	s.busy.Lock()
	defer s.busy.Unlock()
	s.cancel()
	return s.smtp.Close()
}
