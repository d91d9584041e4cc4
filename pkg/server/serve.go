package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"fngen.dev/fngen/pkg/server/peer"
)

// limits are the time limits of a connection; requests that last lift theirs
// (untimed).
type limits struct{ header, request, idle time.Duration }

var usualLimits = limits{header: 10 * time.Second, request: time.Minute, idle: 2 * time.Minute}

const maxHeader = 32 << 10

// Listener serves a Server on an address, once.
type Listener struct {
	http    *http.Server
	address net.Addr
	done    chan error
}

// Start listens and serves until Stop. A port in use is an error here.
func Start(ctx context.Context, address string, s *Server, log *slog.Logger) (*Listener, error) {
	return start(ctx, address, s, log, usualLimits)
}

func start(ctx context.Context, address string, s *Server, log *slog.Logger, t limits) (*Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l := &Listener{address: ln.Addr(), done: make(chan error, 1), http: &http.Server{
		Handler: s, ReadHeaderTimeout: t.header, ReadTimeout: t.request, WriteTimeout: t.request,
		IdleTimeout: t.idle, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	l.http.RegisterOnShutdown(s.end)
	log.Info("listening", slog.String("address", ln.Addr().String()))
	go func() { l.done <- l.http.Serve(peer.NewCrowd(ln, s.Proxies.Trusts)) }()
	return l, nil
}

// Address is where it listens.
func (l *Listener) Address() string { return l.address.String() }

// Failed receives the error that ended serving.
func (l *Listener) Failed() <-chan error { return l.done }

// Stop takes no more requests and waits until those that run have ended, or ctx
// has; then it cuts them. It may be called twice.
func (l *Listener) Stop(ctx context.Context) error {
	err := l.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return l.http.Close()
	}
	return err
}
