package variables

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// SpareVersions are how many of the versions that Vault keeps are left for changes that
// roll out: those that do not could push the live version out, one after the other.
const SpareVersions = 10

// Next is the version that is to be written.
func (c *Change) Next(b Base) (store.Variables, error) {
	now := time.Now().UTC()
	out := store.Variables{Version: b.newest + 1, Mark: "." + rand.Text(), By: c.Actor.Email, CreatedAt: now}
	if err := c.keepsLive(b); err != nil {
		return out, err
	}
	var stale, unknown []string
	for _, name := range b.stale {
		if _, set := c.Req.Set[name]; !set && !slices.Contains(c.Req.Unset, name) {
			stale = append(stale, name)
		}
	}
	if len(stale) > 0 {
		return out, c.staleProblem(b, stale)
	}
	for _, name := range c.Req.Unset {
		if !slices.ContainsFunc(b.names, func(n store.Variable) bool { return n.Name == name }) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return out, api.NewProblem(api.NotFound, "project %q has no variable %s", c.Project.Name, strings.Join(unknown, ", ")).
			WithHelp("nothing was changed. fngen env %s lists what there is", c.Project.Name)
	}
	total := 0
	for _, n := range b.names {
		if _, set := c.Req.Set[n.Name]; !set && !slices.Contains(c.Req.Unset, n.Name) {
			out.Names, total = append(out.Names, n), total+n.Bytes
		}
	}
	for name, value := range c.Req.Set {
		size := roundUp(api.ValueBytes(name, value.Reveal()))
		out.Names, total = append(out.Names, store.Variable{Name: name, Version: out.Version, By: c.Actor.Email, At: now, Bytes: size}), total+size
	}
	slices.SortFunc(out.Names, func(a, b store.Variable) int { return strings.Compare(a.Name, b.Name) })
	if len(out.Names) > api.MaxVariables || total > api.MaxVariablesBytes {
		return out, api.NewProblem(api.TooLarge, "project %q would have %d variables of %d KiB together; %d of %d KiB are possible",
			c.Project.Name, len(out.Names), total>>10, api.MaxVariables, api.MaxVariablesBytes>>10).WithHelp("nothing was changed. Keep what is large elsewhere, and name the place in a variable")
	}
	return out, nil
}

// keepsLive holds that Vault does not forget the live version when one more is written.
// One that it has forgotten already keeps nothing from being set.
func (c *Change) keepsLive(b Base) error {
	if c.Live == 0 || b.newest-c.Live >= b.keeps {
		return nil
	}
	newer, room := b.newest-c.Live, b.keeps-1
	if c.Req.NoRollout {
		room -= SpareVersions
	}
	if newer < room {
		return nil
	}
	p := api.NewProblem(api.Refused, "version %d of the variables is live, and there are %d newer ones that are not: with more, Vault, which keeps %d, would forget the live one", c.Live, newer, b.keeps)
	if c.Req.NoRollout {
		return p.WithHelp("set them without --no-rollout, or push the code: that rolls the newest out")
	}
	return p.WithHelp("who runs Vault can have it keep more: vault kv metadata put -mount=%s -max-versions=%d %s", jobs.SecretMount, 2*b.keeps, jobs.SecretPath(c.Project.Name))
}

// roundUp keeps the store from knowing how long a value is.
func roundUp(n int) int { return (n + 63) &^ 63 }

// Write writes a version. What is known of it goes into the store first, so that the
// store still says who wrote it when the control plane dies in between.
func (c *Change) Write(ctx context.Context, b Base, next store.Variables) error {
	if err := c.Store.SaveVariables(ctx, c.Actor, c.Project.ID, next); err != nil {
		return err
	}
	set := map[string]string{next.Mark: ""}
	for name, value := range c.Req.Set {
		set[name] = value.Reveal()
	}
	_, err := c.Secrets.Write(ctx, c.Project.Name, b.newest, b.gone, set, slices.Concat(b.drop, c.Req.Unset))
	if err != nil {
		return c.Problem(err)
	}
	return nil
}

// Outcome is what a version that was written has changed.
func (c *Change) Outcome(b Base, next store.Variables) *api.VariablesResult {
	out := &api.VariablesResult{Version: next.Version, Added: []string{}, Changed: []string{}, Removed: append([]string{}, c.Req.Unset...)}
	for _, name := range slices.Sorted(maps.Keys(c.Req.Set)) {
		if slices.ContainsFunc(b.names, func(n store.Variable) bool { return n.Name == name }) {
			out.Changed = append(out.Changed, name)
		} else {
			out.Added = append(out.Added, name)
		}
	}
	slices.Sort(out.Removed)
	return out
}
