package deploy

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"fngen.dev/fngen/pkg/store"
)

// panicError is a fault of our own that was met in a change. It fails the change,
// and goes back as after any other error: the changes of others go on.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// guarded does a part of a change; a panic in it is an error. What a change does
// beside it has to be guarded of its own.
func guarded(do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	return do()
}

// logPanic tells where a change has met a panic, if that is why it ended.
func (s *Service) logPanic(p store.Project, err error) {
	if met, ok := errors.AsType[*panicError](err); ok {
		s.log.Error("panic in a change", slog.String("project", p.Name), slog.Any("panic", met.value), slog.String("stack", string(met.stack)))
	}
}
