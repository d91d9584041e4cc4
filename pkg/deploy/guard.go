package deploy

import (
	"errors"
	"log/slog"

	"fngen.dev/fngen/pkg/guard"
	"fngen.dev/fngen/pkg/store"
)

// guarded does a part of a change; a panic in it fails the change, which goes back as
// after any other error: the changes of others go on.
func guarded(do func() error) error { return guard.Do(do) }

// logPanic tells where a change has met a panic, if that is why it ended.
func (s *Service) logPanic(p store.Project, err error) {
	if met, ok := errors.AsType[*guard.Panic](err); ok {
		s.log.Error("panic in a change", slog.String("project", p.Name), slog.Any("panic", met.Value), slog.String("stack", string(met.Stack)))
	}
}
