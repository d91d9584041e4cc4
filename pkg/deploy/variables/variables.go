// Package variables is what a change of a project's variables makes of them: the next
// version in Vault, of which nobody here can read a value, and what is known of it in the
// store.
package variables

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/compiler/dotenv"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/secret"
	"fngen.dev/fngen/pkg/store"
)

// Store keeps what is known of the versions of variables, which is no value.
type Store interface {
	SaveVariables(ctx context.Context, actor store.Actor, projectID int64, v store.Variables) error
	Variables(ctx context.Context, projectID int64, version int) (store.Variables, error)
	CurrentVariables(ctx context.Context, projectID int64) (int, error)
	Releases(ctx context.Context, projectID int64) ([]store.Release, error)
}

// Secrets keeps the values, and gives none out.
type Secrets interface {
	Newest(ctx context.Context, project string) (secret.Newest, error)
	Has(ctx context.Context, project string, version int) (bool, error)
	Write(ctx context.Context, project string, base int, whole bool, set map[string]string, unset []string) (int, error)
	// Old are the versions before the newest one that are from before a time, and Destroy
	// removes versions for good.
	Old(ctx context.Context, project string, before time.Time) ([]int, error)
	Destroy(ctx context.Context, project string, versions []int) error
}

// Kept are the variables of one project.
type Kept struct {
	Store   Store
	Secrets Secrets
	Log     *slog.Logger
	Project store.Project
	// Say tells who waits.
	Say func(format string, args ...any)
}

// Change is a change of them.
type Change struct {
	Kept
	Actor store.Actor
	Req   api.SetVariables
	// Live is the version that is live, 0 for none.
	Live int
}

// namesOf is what is known of the newest version. hand says that this platform has not
// written it: its mark is not there.
func (k Kept) namesOf(ctx context.Context, newest secret.Newest) (names []store.Variable, hand bool, err error) {
	if newest.Number == 0 || newest.Gone {
		return nil, false, nil
	}
	row, err := k.Store.Variables(ctx, k.Project.ID, newest.Number)
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
		k.Say("version %d was written by hand in Vault: %s is left out, since no function can have a variable of that name", newest.Number, strings.Join(unfit, ", "))
	}
	return names, true, nil
}

// Known is what the store knows of a version.
func (k Kept) Known(ctx context.Context, version int) ([]store.Variable, error) {
	if version == 0 {
		return nil, nil
	}
	row, err := k.Store.Variables(ctx, k.Project.ID, version)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return row.Names, err
}

// Problem says what Vault's answer means for the change.
func (k Kept) Problem(err error) error {
	switch {
	case errors.Is(err, secret.ErrConflict):
		return api.NewProblem(api.Drifted, "the variables of %q were changed in Vault at this very moment", k.Project.Name).
			WithHelp("nothing was changed by this. See what there is by fngen env %s, and do it again if it is still right", k.Project.Name)
	case errors.Is(err, secret.ErrAway):
		k.Log.Warn("vault is away", slog.String("project", k.Project.Name), slog.Any("error", err))
		return api.NewProblem(api.Failed, "the place where variables are kept (Vault) does not answer; what runs goes on as it is").
			WithHelp("try again; tell who runs the platform when it stays")
	}
	return err
}
