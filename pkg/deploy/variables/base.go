package variables

import (
	"context"
	"slices"
	"strings"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// byHand is who has set the variables of a version that this platform has not written.
const byHand = "by hand in Vault"

// Base is what a change of variables is built on.
type Base struct {
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

// Base finds out what to build on: the version that the project goes by. After a
// rollback, or a rollout that failed, that is not the newest one. Vault can only build
// on the newest, and nobody may read values to copy them. So values that differ between
// the two are stale, and must be given again. A newest version that somebody has written
// by hand is taken over as it is.
func (c *Change) Base(ctx context.Context) (Base, error) {
	newest, err := c.Secrets.Newest(ctx, c.Project.Name)
	if err != nil {
		return Base{}, c.Problem(err)
	}
	current, err := c.Store.CurrentVariables(ctx, c.Project.ID)
	if err != nil {
		return Base{}, err
	}
	if c.Req.Base != nil && *c.Req.Base != current {
		return Base{}, c.changedMeanwhile(ctx, current)
	}
	has, hand, err := c.namesOf(ctx, newest)
	if err != nil {
		return Base{}, err
	}
	b := Base{newest: newest.Number, gone: newest.Number == 0 || newest.Gone, keeps: newest.Keeps, names: has}
	if current != newest.Number && !hand && !c.Req.Newest {
		if b.names, err = c.Known(ctx, current); err != nil {
			return Base{}, err
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

func (c *Change) staleProblem(b Base, stale []string) error {
	names := strings.Join(stale, ", ")
	if b.gone {
		return api.NewProblem(api.Refused, "version %d of the variables was deleted in Vault, and with it the values of %s, which nobody here can read elsewhere", b.newest, names).
			WithHelp("nothing was changed. Give them too, or unset them")
	}
	return api.NewProblem(api.Refused, "the project has gone back from version %d of its variables, and the older values of %s, which nobody here can read, cannot be put into a new version", b.newest, names).
		WithHelp("nothing was changed. Give these too, or unset them, or build on version %d by --newest", b.newest)
}

// changedMeanwhile tells the second of two people what the first has done.
func (c *Change) changedMeanwhile(ctx context.Context, current int) error {
	who := "somebody"
	if row, err := c.Store.Variables(ctx, c.Project.ID, current); err == nil {
		who = row.By
	}
	return api.NewProblem(api.Drifted, "%s has changed the variables of %q meanwhile: version %d is there, and yours was to follow version %d", who, c.Project.Name, current, *c.Req.Base).
		WithHelp("nothing was changed. See what there is by fngen env %s, and do it again if it is still right", c.Project.Name)
}
