// Package incident tells in the logs of projects what only Nomad and Consul know of their
// instances: one ended and is started again, was killed for its memory, went out of reach
// with its server, or does not answer its health check any more.
//
// It looks at what is, and keeps in the store what was told of it. So each incident is told
// once, by whichever control plane sees it first, and also when none ran while it happened:
// Nomad remembers the last events of an instance.
package incident

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/panics"
	"fngen.dev/fngen/pkg/store"
)

const (
	// interval is the least time between two looks, and how long news of Nomad are waited
	// for; share is how many times as long as a look took it rests at least, since all
	// instances are looked at.
	interval = 2 * time.Second
	share    = 20
	// steady is how long a health check must fail to be told of.
	steady = 4 * time.Second
)

// functions are the jobs of functions that go on, by their ids (jobs.ID).
const functions = "^(web|task)-"

// Kinds of incidents, as they are kept. An end has a time; out of reach and critical last.
const (
	kindEnded, kindAway, kindLost, kindCritical = "ended", "away", "lost", "critical"
)

// Nomad tells of the instances, as package nomad has it.
type Nomad interface {
	Observe(ctx context.Context, jobs string, index uint64, limit time.Duration) ([]nomad.Observed, uint64, error)
	Arguments(ctx context.Context, namespace, job, id string) (args []string, running bool, err error)
}

// Health are the instances whose checks fail, with what those say.
type Health interface {
	Critical(ctx context.Context) (map[string]string, error)
}

// Store keeps what was told, as package store has it.
type Store interface {
	AllProjects(ctx context.Context) ([]store.Project, error)
	Incidents(ctx context.Context) ([]store.Incident, error)
	BeginIncident(ctx context.Context, i store.Incident) (began bool, err error)
	EndIncident(ctx context.Context, i store.Incident) (ended bool, err error)
}

// Line is a line of a project's log. At is the zero time for what was only seen.
type Line struct {
	Project store.Project
	// Args are the arguments of the instance's agent, which say what it runs.
	Args       []string
	Allocation string
	At         time.Time
	Level      string
	Text       string
}

// Watcher looks for incidents.
type Watcher struct {
	nomad  Nomad
	health Health
	store  Store
	say    func(Line)
	log    *slog.Logger

	// answered are instances that were seen to answer their checks, failing since when
	// others were not.
	answered map[string]bool
	failing  map[string]time.Time
	now      func() time.Time
}

// New makes a Watcher that says what it finds.
func New(n Nomad, h Health, s Store, say func(Line), log *slog.Logger) *Watcher {
	return &Watcher{nomad: n, health: h, store: s, say: say, log: log, answered: map[string]bool{}, failing: map[string]time.Time{}, now: time.Now}
}

// Watch looks until ctx ends.
func (w *Watcher) Watch(ctx context.Context) {
	said := ""
	for index := uint64(0); ctx.Err() == nil; {
		begin, next := time.Now(), uint64(0)
		err := panics.Do(func() (err error) { next, err = w.look(ctx, index); return err })
		if err != nil && ctx.Err() == nil && err.Error() != said {
			w.log.Warn("look for incidents", slog.Any("error", err))
		}
		if said = ""; err != nil {
			said = err.Error()
		}
		index = next
		select {
		case <-ctx.Done():
		case <-time.After(max(interval, share*(time.Since(begin)-interval))): // news were waited for
		}
	}
}

// look looks once.
func (w *Watcher) look(ctx context.Context, index uint64) (uint64, error) {
	seen, next, err := w.nomad.Observe(ctx, functions, index, interval)
	if err != nil {
		return 0, err
	}
	critical, err := w.health.Critical(ctx)
	if err != nil {
		return 0, err
	}
	r, err := w.round(ctx)
	if err != nil {
		return 0, err
	}
	there := map[string]bool{}
	for _, o := range seen {
		there[o.Allocation] = true
		if err := r.instance(ctx, o, critical); err != nil {
			return 0, err
		}
	}
	return next, r.forget(ctx, there)
}

// round is one look, with what was told before it.
type round struct {
	*Watcher
	projects map[string]store.Project
	told     map[string]map[string]int64 // by allocation, by kind
}

func (w *Watcher) round(ctx context.Context) (*round, error) {
	projects, err := w.store.AllProjects(ctx)
	if err != nil {
		return nil, err
	}
	known, err := w.store.Incidents(ctx)
	if err != nil {
		return nil, err
	}
	r := &round{w, map[string]store.Project{}, map[string]map[string]int64{}}
	for _, p := range projects {
		r.projects[p.Name] = p
	}
	for _, i := range known {
		if r.told[i.Allocation] == nil {
			r.told[i.Allocation] = map[string]int64{}
		}
		r.told[i.Allocation][i.Kind] = i.At
	}
	return r, nil
}

// instance tells what is new of one.
func (r *round) instance(ctx context.Context, o nomad.Observed, critical map[string]string) error {
	p, ours := r.projects[o.Namespace]
	if !ours {
		return nil
	}
	for _, e := range o.Ends {
		if e.At.UnixNano() <= r.told[o.Allocation][kindEnded] {
			continue
		}
		if err := r.begin(ctx, p, o, kindEnded, e.At, inWords(o, e)); err != nil {
			return err
		}
	}
	if err := r.place(ctx, p, o); err != nil {
		return err
	}
	return r.check(ctx, p, o, critical)
}

// place tells when the server of an instance goes out of reach, and when it is back.
func (r *round) place(ctx context.Context, p store.Project, o nomad.Observed) error {
	switch {
	case o.State == "unknown":
		return r.lasts(ctx, p, o, kindAway, away(o))
	case o.State == "lost":
		return r.lasts(ctx, p, o, kindLost, lost(o))
	case o.State == "running" && o.Wanted:
		return r.over(ctx, p, o, kindAway, back(o))
	}
	return nil
}

// check tells when a health check that was answered is not any more, for a while, and when
// it is again.
func (r *round) check(ctx context.Context, p store.Project, o nomad.Observed, critical map[string]string) error {
	output, fails := critical[o.Allocation]
	switch {
	case o.State != "running" || !o.Wanted:
		delete(r.failing, o.Allocation)
		return nil
	case !fails:
		r.answered[o.Allocation] = true
		delete(r.failing, o.Allocation)
		return r.over(ctx, p, o, kindCritical, answers(o))
	case !o.Healthy && !r.answered[o.Allocation]:
		return nil // it never was well: its rollout tells
	}
	if _, known := r.failing[o.Allocation]; !known {
		r.failing[o.Allocation] = r.now()
	}
	if r.now().Sub(r.failing[o.Allocation]) < steady {
		return nil
	}
	return r.lasts(ctx, p, o, kindCritical, unanswered(o, output))
}

// lasts tells of what goes on, once.
func (r *round) lasts(ctx context.Context, p store.Project, o nomad.Observed, kind string, l levelled) error {
	if _, known := r.told[o.Allocation][kind]; known {
		return nil
	}
	return r.begin(ctx, p, o, kind, time.Time{}, l)
}

func (r *round) begin(ctx context.Context, p store.Project, o nomad.Observed, kind string, at time.Time, l levelled) error {
	args, _, err := r.nomad.Arguments(ctx, o.Namespace, o.Job, o.Allocation)
	if err != nil {
		return err
	}
	i := store.Incident{ProjectID: p.ID, Allocation: o.Allocation, Kind: kind}
	if !at.IsZero() {
		i.At = at.UnixNano()
	}
	began, err := r.store.BeginIncident(ctx, i)
	if began {
		r.say(Line{p, args, o.Allocation, at, l.level, l.text})
	}
	return err
}

// over tells that what went on does no more, if it was told that it did.
func (r *round) over(ctx context.Context, p store.Project, o nomad.Observed, kind string, l levelled) error {
	if _, known := r.told[o.Allocation][kind]; !known {
		return nil
	}
	args, _, err := r.nomad.Arguments(ctx, o.Namespace, o.Job, o.Allocation)
	if err != nil {
		return err
	}
	ended, err := r.store.EndIncident(ctx, store.Incident{Allocation: o.Allocation, Kind: kind})
	if ended {
		r.say(Line{p, args, o.Allocation, time.Time{}, l.level, l.text})
	}
	return err
}

// forget drops what is known of instances that Nomad has forgotten.
func (r *round) forget(ctx context.Context, there map[string]bool) error {
	maps.DeleteFunc(r.answered, func(id string, _ bool) bool { return !there[id] })
	maps.DeleteFunc(r.failing, func(id string, _ time.Time) bool { return !there[id] })
	for _, id := range slices.Sorted(maps.Keys(r.told)) {
		for kind := range r.told[id] {
			if there[id] {
				continue
			}
			if _, err := r.store.EndIncident(ctx, store.Incident{Allocation: id, Kind: kind}); err != nil {
				return err
			}
		}
	}
	return nil
}
