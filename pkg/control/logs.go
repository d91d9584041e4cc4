package control

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/deploy"
	"fngen.dev/fngen/pkg/health"
	"fngen.dev/fngen/pkg/incident"
	"fngen.dev/fngen/pkg/logs"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/logroutes"
	"fngen.dev/fngen/pkg/store"
)

// relayDir is where entries of logs wait for Loki.
const relayDir = "logs"

// logbook is Loki with what waits for it; nil on a platform without logs.
type logbook struct {
	loki  *logs.Loki
	relay *logs.Relay
}

func openLogbook(c Config, log *slog.Logger) (*logbook, error) {
	if c.LokiAddr == "" {
		log.Warn("no logs are kept: FNGEND_LOKI_ADDR is not set")
		return nil, nil
	}
	loki, err := logs.New(c.LokiAddr)
	if err != nil {
		return nil, err
	}
	relay, err := logs.OpenRelay(filepath.Join(c.Data, relayDir), loki, log)
	if err != nil {
		return nil, err
	}
	return &logbook{loki, relay}, nil
}

// journal is what package deploy tells; a nil *logbook is no nil deploy.Journal.
func (l *logbook) journal() deploy.Journal {
	if l == nil {
		return nil
	}
	return l
}

// Say adds a line of the platform's to a project's log.
func (l *logbook) Say(p store.Project, function, release, level, text string) {
	l.relay.Say(logs.Tenant(p.Name, p.ID), logs.Origin{Function: function, Release: release}, level, text)
}

// tell adds a line of an incident to a project's log.
func (l *logbook) tell(i incident.Line) {
	tenant, from := logs.Tenant(i.Project.Name, i.Project.ID), logroutes.OriginOf(i.Args, i.Allocation)
	if i.At.IsZero() {
		l.relay.Say(tenant, from, i.Level, i.Text)
		return
	}
	l.relay.SayOf(tenant, from, i.At.UnixNano(), i.Level, i.Text)
}

// watch tells of incidents, until ctx ends.
func (l *logbook) watch(ctx context.Context, scheduler *nomad.Client, checks *health.Checks, s *store.Store, log *slog.Logger) {
	if l != nil {
		incident.New(scheduler, checks, s, l.tell, log).Watch(ctx)
	}
}

// Forget has a project's log deleted.
func (l *logbook) Forget(ctx context.Context, p store.Project) (gone time.Time, err error) {
	return l.loki.Forget(ctx, logs.Tenant(p.Name, p.ID))
}

// serve gives the server what it needs of it.
func (l *logbook) serve(o *server.Options, origins logroutes.Origins) {
	if l != nil {
		o.Logs, o.LastLogs, o.Origins = l.loki, l.relay, origins
	}
}

// run stores what waits, until ctx ends.
func (l *logbook) run(ctx context.Context) {
	if l != nil {
		l.relay.Run(ctx)
	}
}

func (l *logbook) close() error {
	if l == nil {
		return nil
	}
	return l.relay.Close()
}
