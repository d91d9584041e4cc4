package retention

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// broken panics when it is swept, and says that it was.
type broken struct {
	Contents
	asked chan struct{}
}

func (b broken) Sweep(time.Time, func(scope, id string) bool) error {
	close(b.asked)
	panic("a bug")
}

// TestPanicInASweep does not end the process, and its place is in the log.
func TestPanicInASweep(t *testing.T) {
	var log bytes.Buffer
	b := broken{asked: make(chan struct{})}
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	s := &Sweeper{Contents: b, Log: slog.New(slog.NewJSONHandler(&log, nil)), Using: NewUsing()}
	go func() { defer close(done); s.Run(ctx) }()
	<-b.asked
	end()
	<-done
	if !strings.Contains(log.String(), "a bug") || !strings.Contains(log.String(), "run_test.go") {
		t.Errorf("the log has no place:\n%s", log.String())
	}
}
