package deploytest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/store"
)

// differs says in what the jobs of the live release are not what Nomad has; empty
// when it is the same.
func (w *world) differs() string {
	ctx := w.Context()
	wanted := map[string]*nomadapi.Job{}
	if live, err := w.store.LiveRelease(ctx, w.project.ID); err == nil {
		wanted = jobset.ByID(must(jobset.Decode(live.Jobs))(w.T))
	} else if !errors.Is(err, store.ErrNotFound) {
		w.Fatal(err)
	}
	ids := must(w.nomad.JobIDs(ctx, "shop"))(w.T)
	if !slices.Equal(ids, slices.Sorted(maps.Keys(wanted))) {
		return fmt.Sprintf("the jobs are %v, not %v", ids, slices.Sorted(maps.Keys(wanted)))
	}
	for id, job := range wanted {
		if plan := must(w.nomad.Plan(ctx, job))(w.T); plan.Changed {
			return fmt.Sprintf("%s is not what is live: %v %v", id, plan.Diff, plan.Groups)
		}
	}
	return ""
}

// left are the releases and relocations that are half done.
func (w *world) left() []string {
	var out []string
	for _, r := range must(w.store.UnfinishedReleases(w.Context()))(w.T) {
		out = append(out, fmt.Sprintf("release %d is %s: %s", r.Number, r.State, r.Reason))
	}
	for _, r := range must(w.store.Relocations(w.Context()))(w.T) {
		out = append(out, fmt.Sprintf("%s leaves %s", r.Job, r.Node))
	}
	return out
}

// known holds that what runs is what the store says, or that the store says of
// something that it is half done.
func (w *world) known() {
	w.Helper()
	if len(w.left()) > 0 {
		return
	}
	if d := w.differs(); d != "" {
		w.Errorf("nobody knows that %s", d)
	}
}

// heals holds that in the end what the store says is what runs, that nobody has the
// lock, and that somebody has served all the time.
func (w *world) heals() {
	w.Helper()
	wrong := func() string {
		if left, holders := w.left(), w.locks.Holders(); len(left) > 0 || len(holders) > 0 {
			return fmt.Sprintf("half done are %q, the lock is held by %q", left, holders)
		}
		return w.differs()
	}
	text := wrong() // and not again when it was well: it may look once more in that moment
	for deadline := time.Now().Add(healTime); text != "" && time.Now().Before(deadline); text = wrong() {
		time.Sleep(time.Second)
	}
	if text != "" {
		w.Errorf("after %s %s", healTime, text)
	}
	if w.silent != "" {
		w.Errorf("nobody has served at %s", w.silent)
	}
	live := 0
	for _, r := range must(w.store.Releases(w.Context(), w.project.ID))(w.T) {
		if r.State == store.Live {
			live++
		}
	}
	if live > 1 {
		w.Errorf("%d releases are live", live)
	}
}
