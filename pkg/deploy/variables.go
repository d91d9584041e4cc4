package deploy

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/compiler/dotenv"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/secret"
	"fngen.dev/fngen/pkg/store"
)

// Secrets keeps the variables of projects, and gives no value out.
type Secrets interface {
	Newest(ctx context.Context, project string) (secret.Newest, error)
	Has(ctx context.Context, project string, version int) (bool, error)
	Write(ctx context.Context, project string, base int, whole bool, set map[string]string, unset []string) (int, error)
	Delete(ctx context.Context, project string) error
	// Old are the versions before the newest one that are from before a time, and Destroy
	// removes versions for good.
	Old(ctx context.Context, project string, before time.Time) ([]int, error)
	Destroy(ctx context.Context, project string, versions []int) error
}

// byHand is who has set the variables of a version that this platform has not written.
const byHand = "by hand in Vault"

// SpareVersions are how many of the versions that Vault keeps are left for changes that
// roll out: those that do not could push the live version out, one after the other.
const SpareVersions = 10

// setting is a change of variables under way.
type setting struct {
	*push
	req api.SetVariables
}

// SetVariables changes the variables of a project, which is a release like any other.
// The events are as those of Push.
func (s *Service) SetVariables(ctx context.Context, actor store.Actor, project store.Project, req api.SetVariables) (<-chan api.Event, error) {
	return s.start(ctx, actor, project, func(ctx context.Context, c *change) error {
		v := &setting{push: &push{change: c}, req: req}
		err := c.locked(ctx, "a change of variables", v.run)
		return c.cannotReturn(c.orLost(ctx, c.release.Tree, err))
	}), nil
}

func (v *setting) run(ctx context.Context) error {
	if err := v.ensureNamespace(ctx, v.project); err != nil {
		return err
	}
	if err := v.readLive(ctx); err != nil {
		return err
	}
	rolls := !v.req.NoRollout && v.liveRelease != nil
	if rolls {
		if err := v.prepare(ctx); err != nil {
			return err
		}
	}
	b, err := v.base(ctx)
	if err != nil {
		return err
	}
	next, err := v.next(b)
	if err != nil {
		return err
	}
	v.Phase("variables", "storing version %d of the variables", next.Version)
	if err := v.write(ctx, b, next); err != nil {
		return err
	}
	v.result.Variables = v.outcome(b, next)
	if !rolls {
		if err := v.store.SetCurrentVariables(ctx, v.actor, v.project.ID, next.Version); err != nil {
			return err
		}
		v.result.Project = v.project.Name
		v.prune(ctx)
		return nil
	}
	v.result.Variables.RolledOut, v.release.Env = true, next.Version
	defer v.takeTurns()()
	if err := v.ensureLayer(ctx); err != nil {
		return err
	}
	if err := v.goLive(ctx); err != nil {
		return err
	}
	v.prune(ctx)
	return nil
}

// prepare makes the live code what is to be rolled out again.
func (v *setting) prepare(ctx context.Context) error {
	v.IR = v.LiveIR
	v.push.req = api.PushRequest{Tree: v.liveRelease.Tree, Entry: v.liveRelease.Entry}
	v.release = jobs.Release{Tree: v.liveRelease.Tree, Layer: v.liveRelease.Layer, UID: uid(v.project)}
	if v.IR.Version != ir.Version {
		return api.NewProblem(api.Refused, "release %d was made by another version of the platform, and cannot be rolled out with other variables", v.liveRelease.Number).
			WithHelp("push its code again, or set them by --no-rollout")
	}
	return v.lost(ctx, v.liveRelease.Tree)
}

// base is what a change of variables is built on.
type base struct {
	// newest is the number of the newest version in Vault, the only one that Vault can
	// build on. gone says that there is nothing in it.
	newest int
	gone   bool
	// keeps is how many versions Vault keeps.
	keeps int
	// names are what the change begins with; drop are others that the newest version
	// has.
	names []store.Variable
	drop  []string
	// stale are names of which the newest version has not the value that is to stay.
	stale []string
}

// base finds out what to build on: the version that the project goes by. After a
// rollback, or a rollout that failed, that is not the newest one. Vault can only build
// on the newest, and nobody may read values to copy them. So values that differ between
// the two are stale, and must be given again. A newest version that somebody has written
// by hand is taken over as it is.
func (v *setting) base(ctx context.Context) (base, error) {
	newest, err := v.secrets.Newest(ctx, v.project.Name)
	if err != nil {
		return base{}, v.vaultProblem(err)
	}
	current, err := v.store.CurrentVariables(ctx, v.project.ID)
	if err != nil {
		return base{}, err
	}
	if v.req.Base != nil && *v.req.Base != current {
		return base{}, v.changedMeanwhile(ctx, current)
	}
	has, hand, err := v.namesOf(ctx, newest)
	if err != nil {
		return base{}, err
	}
	b := base{newest: newest.Number, gone: newest.Number == 0 || newest.Gone, keeps: newest.Keeps, names: has}
	if current != newest.Number && !hand && !v.req.Newest {
		if b.names, err = v.known(ctx, current); err != nil {
			return base{}, err
		}
	}
	for _, name := range newest.Names {
		if !slices.ContainsFunc(b.names, func(n store.Variable) bool { return n.Name == name }) {
			b.drop = append(b.drop, name)
		}
	}
	for _, n := range b.names {
		if !slices.ContainsFunc(has, func(h store.Variable) bool { return h.Name == n.Name && h.Version == n.Version }) {
			b.stale = append(b.stale, n.Name)
		}
	}
	return b, nil
}

// namesOf is what is known of the newest version. hand says that this platform has not
// written it: its mark is not there.
func (s *change) namesOf(ctx context.Context, newest secret.Newest) (names []store.Variable, hand bool, err error) {
	if newest.Number == 0 || newest.Gone {
		return nil, false, nil
	}
	row, err := s.store.Variables(ctx, s.project.ID, newest.Number)
	if err == nil && slices.Contains(newest.Names, row.Mark) {
		return row.Names, false, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, false, err
	}
	var unfit []string
	for _, name := range newest.Names {
		switch {
		case strings.HasPrefix(name, "."): // a mark
		case dotenv.CheckName(name) != nil:
			unfit = append(unfit, strconv.Quote(name))
		default:
			names = append(names, store.Variable{Name: name, Version: newest.Number, By: byHand, At: newest.At})
		}
	}
	if len(unfit) > 0 {
		// With it nothing would start, and nobody could unset what is no name.
		s.Phase("variables", "version %d was written by hand in Vault: %s is left out, since no function can have a variable of that name", newest.Number, strings.Join(unfit, ", "))
	}
	return names, true, nil
}

// known is what the store knows of a version.
func (s *change) known(ctx context.Context, version int) ([]store.Variable, error) {
	if version == 0 {
		return nil, nil
	}
	row, err := s.store.Variables(ctx, s.project.ID, version)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return row.Names, err
}

// next is the version that is to be written.
func (v *setting) next(b base) (store.Variables, error) {
	now := time.Now().UTC()
	out := store.Variables{Version: b.newest + 1, Mark: "." + rand.Text(), By: v.actor.Email, CreatedAt: now}
	if err := v.keepsLive(b); err != nil {
		return out, err
	}
	var stale, unknown []string
	for _, name := range b.stale {
		if _, set := v.req.Set[name]; !set && !slices.Contains(v.req.Unset, name) {
			stale = append(stale, name)
		}
	}
	if len(stale) > 0 {
		return out, v.staleProblem(b, stale)
	}
	for _, name := range v.req.Unset {
		if !slices.ContainsFunc(b.names, func(n store.Variable) bool { return n.Name == name }) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return out, api.NewProblem(api.NotFound, "project %q has no variable %s", v.project.Name, strings.Join(unknown, ", ")).
			WithHelp("nothing was changed. fngen env %s lists what there is", v.project.Name)
	}
	total := 0
	for _, n := range b.names {
		if _, set := v.req.Set[n.Name]; !set && !slices.Contains(v.req.Unset, n.Name) {
			out.Names, total = append(out.Names, n), total+n.Bytes
		}
	}
	for name, value := range v.req.Set {
		size := roundUp(api.ValueBytes(name, value.Reveal()))
		out.Names, total = append(out.Names, store.Variable{Name: name, Version: out.Version, By: v.actor.Email, At: now, Bytes: size}), total+size
	}
	slices.SortFunc(out.Names, func(a, b store.Variable) int { return strings.Compare(a.Name, b.Name) })
	if len(out.Names) > api.MaxVariables || total > api.MaxVariablesBytes {
		return out, api.NewProblem(api.TooLarge, "project %q would have %d variables of %d KiB together; %d of %d KiB are possible",
			v.project.Name, len(out.Names), total>>10, api.MaxVariables, api.MaxVariablesBytes>>10).WithHelp("nothing was changed. Keep what is large elsewhere, and name the place in a variable")
	}
	return out, nil
}

// keepsLive holds that Vault does not forget the live version when one more is written.
// One that it has forgotten already keeps nothing from being set.
func (v *setting) keepsLive(b base) error {
	if v.liveRelease == nil || v.liveRelease.EnvVersion == 0 || b.newest-v.liveRelease.EnvVersion >= b.keeps {
		return nil
	}
	newer, room := b.newest-v.liveRelease.EnvVersion, b.keeps-1
	if v.req.NoRollout {
		room -= SpareVersions
	}
	if newer < room {
		return nil
	}
	p := api.NewProblem(api.Refused, "version %d of the variables is live, and there are %d newer ones that are not: with more, Vault, which keeps %d, would forget the live one", v.liveRelease.EnvVersion, newer, b.keeps)
	if v.req.NoRollout {
		return p.WithHelp("set them without --no-rollout, or push the code: that rolls the newest out")
	}
	return p.WithHelp("who runs Vault can have it keep more: vault kv metadata put -mount=%s -max-versions=%d %s", jobs.SecretMount, 2*b.keeps, jobs.SecretPath(v.project.Name))
}

// roundUp keeps the store from knowing how long a value is.
func roundUp(n int) int { return (n + 63) &^ 63 }

// write writes a version. What is known of it goes into the store first, so that the
// store still says who wrote it when the control plane dies in between.
func (v *setting) write(ctx context.Context, b base, next store.Variables) error {
	if err := v.store.SaveVariables(ctx, v.actor, v.project.ID, next); err != nil {
		return err
	}
	set := map[string]string{next.Mark: ""}
	for name, value := range v.req.Set {
		set[name] = value.Reveal()
	}
	_, err := v.secrets.Write(ctx, v.project.Name, b.newest, b.gone, set, slices.Concat(b.drop, v.req.Unset))
	if err != nil {
		return v.vaultProblem(err)
	}
	return nil
}

func (v *setting) outcome(b base, next store.Variables) *api.VariablesResult {
	out := &api.VariablesResult{Version: next.Version, Added: []string{}, Changed: []string{}, Removed: append([]string{}, v.req.Unset...)}
	for _, name := range slices.Sorted(maps.Keys(v.req.Set)) {
		if slices.ContainsFunc(b.names, func(n store.Variable) bool { return n.Name == name }) {
			out.Changed = append(out.Changed, name)
		} else {
			out.Added = append(out.Added, name)
		}
	}
	slices.Sort(out.Removed)
	return out
}

func (v *setting) staleProblem(b base, stale []string) error {
	names := strings.Join(stale, ", ")
	if b.gone {
		return api.NewProblem(api.Refused, "version %d of the variables was deleted in Vault, and with it the values of %s, which nobody here can read elsewhere", b.newest, names).
			WithHelp("nothing was changed. Give them too, or unset them")
	}
	return api.NewProblem(api.Refused, "the project has gone back from version %d of its variables, and the older values of %s, which nobody here can read, cannot be put into a new version", b.newest, names).
		WithHelp("nothing was changed. Give these too, or unset them, or build on version %d by --newest", b.newest)
}

// changedMeanwhile tells the second of two people what the first has done.
func (v *setting) changedMeanwhile(ctx context.Context, current int) error {
	who := "somebody"
	if row, err := v.store.Variables(ctx, v.project.ID, current); err == nil {
		who = row.By
	}
	return api.NewProblem(api.Drifted, "%s has changed the variables of %q meanwhile: version %d is there, and yours was to follow version %d", who, v.project.Name, current, *v.req.Base).
		WithHelp("nothing was changed. See what there is by fngen env %s, and do it again if it is still right", v.project.Name)
}

// vaultProblem says what Vault's answer means for the change.
func (c *change) vaultProblem(err error) error {
	switch {
	case errors.Is(err, secret.ErrConflict):
		return api.NewProblem(api.Drifted, "the variables of %q were changed in Vault at this very moment", c.project.Name).
			WithHelp("nothing was changed by this. See what there is by fngen env %s, and do it again if it is still right", c.project.Name)
	case errors.Is(err, secret.ErrAway):
		c.log.Warn("vault is away", slog.String("project", c.project.Name), slog.Any("error", err))
		return api.NewProblem(api.Failed, "the place where variables are kept (Vault) does not answer; what runs goes on as it is").
			WithHelp("try again; tell who runs the platform when it stays")
	}
	return err
}

// haveVariables refuses a release whose variables are not there: Nomad would wait for
// them for ever.
func (c *change) haveVariables(ctx context.Context) error {
	if c.release.Env == 0 {
		return nil
	}
	has, err := c.secrets.Has(ctx, c.project.Name, c.release.Env)
	if err != nil {
		return c.vaultProblem(err)
	}
	if !has {
		return api.NewProblem(api.Refused, "version %d of the variables is not in Vault any more", c.release.Env).
			WithHelp("set them: fngen set_env %s FILE", c.project.Name)
	}
	return nil
}
