// Package panics makes a panic an error: a fault of our own in one piece of work is
// that work's failure, and not the end of a process that works for others too.
package panics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// Panic is a panic that was met, with the stack of where.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Do does something; a panic in it is a *Panic. What it does in goroutines of its own
// has to be guarded there.
func Do(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &Panic{value, debug.Stack()}
		}
	}()
	return do()
}

// atOnce is how many of a list are done at a time.
const atOnce = 16

// Each does something with all of a list at the same time. The first error ends it, and
// a panic is one.
func Each[T any](ctx context.Context, list []T, do func(context.Context, T) error) error {
	return EachAt(ctx, list, func(ctx context.Context, _ int, one T) error { return do(ctx, one) })
}

// EachAt is Each for who has to know which of the list it is.
func EachAt[T any](ctx context.Context, list []T, do func(context.Context, int, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, one := range list {
		group.Go(func() error { return Do(func() error { return do(ctx, i, one) }) })
	}
	return group.Wait()
}

// Attrs tell a fault of ours in the log, with its place when it was a panic.
func Attrs(err error) []slog.Attr {
	attrs := []slog.Attr{slog.Any("error", err)}
	if met, ok := errors.AsType[*Panic](err); ok {
		attrs = append(attrs, slog.String("stack", string(met.Stack)))
	}
	return attrs
}
