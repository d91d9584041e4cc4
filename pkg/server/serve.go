package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Time limits of a request; those that stream lift theirs (untimed).
const (
	headerTime  = 10 * time.Second
	requestTime = time.Minute
	idleTime    = 2 * time.Minute
	maxHeader   = 32 << 10
)

// Listener serves a handler on an address, once.
type Listener struct {
	http *http.Server
	done chan error
}

// Start listens and serves until Stop. A port in use is an error here.
func Start(ctx context.Context, address string, h http.Handler, log *slog.Logger) (*Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l := &Listener{done: make(chan error, 1), http: &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: requestTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	log.Info("listening", slog.String("address", ln.Addr().String()))
	go func() { l.done <- l.http.Serve(ln) }()
	return l, nil
}

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
