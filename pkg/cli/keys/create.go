package keys

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
)

type keyCreateOptions struct {
	Project, Scope, Expires, Label string
}

func newCmdKeyCreate(a *command.App) *cobra.Command {
	var o keyCreateOptions
	cmd := &cobra.Command{
		Use:   "create --project NAME --scope SCOPE [flags]",
		Short: "Make a deploy key and print it, this once",
		Long: `Make a deploy key and print it. The platform keeps no copy that it could show
again: put the key where your CI keeps its secrets.`,
		Example: "  fngen key create --project my-website --scope deploy --expires 90d | gh secret set FNGEN_API_KEY",
		Args:    command.ExactArgs(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return runKeyCreate(cmd.Context(), a, o) },
	}
	cmd.Flags().StringVar(&o.Project, "project", "", "the project `NAME` that the key is for")
	cmd.Flags().StringVar(&o.Scope, "scope", "", "what the key may do: `SCOPE` is plan or deploy")
	cmd.Flags().StringVar(&o.Expires, "expires", "90d", "how long the key lives: a `TIME` such as 12h, 90d or 4w, a year at most")
	cmd.Flags().StringVar(&o.Label, "label", "", "what the key is for, as a `TEXT` for the list")
	return cmd
}

func runKeyCreate(ctx context.Context, a *command.App, o keyCreateOptions) error {
	in, err := o.request()
	if err != nil {
		return err
	}
	client, err := a.Client()
	if err != nil {
		return err
	}
	key, err := client.CreateKey(ctx, in)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(key)
	}
	a.Sayf("Key %d for project %s, scope %s, until %s. It is shown this once:", key.ID, in.Project, in.Scope, dayOf(key.ExpiresAt))
	_, err = fmt.Fprintln(a.IO.Out, key.Key)
	return err
}

// request checks what was typed.
func (o keyCreateOptions) request() (api.NewDeployKey, error) {
	scope := api.Scope(o.Scope)
	switch {
	case o.Project == "":
		return api.NewDeployKey{}, &exit.Usage{Message: "key create: --project is missing", Help: "name the project that the key is for: --project my-website"}
	case !scope.OfProject():
		return api.NewDeployKey{}, &exit.Usage{Message: fmt.Sprintf("key create: --scope is %q", o.Scope), Help: "scopes: plan, deploy"}
	}
	if err := target.CheckProject(o.Project); err != nil {
		return api.NewDeployKey{}, err
	}
	life, ok := parseLife(o.Expires)
	if !ok || life < api.MinKeyLife || life > api.MaxKeyLife {
		return api.NewDeployKey{}, &exit.Usage{
			Message: fmt.Sprintf("key create: --expires %q is not a time from 1m to 366d", o.Expires), Help: "a number and m, h, d or w: --expires 90d",
		}
	}
	return api.NewDeployKey{Project: o.Project, Scope: scope, ExpiresIn: int64(life / time.Second), Label: o.Label}, nil
}

var (
	lifeShape = regexp.MustCompile(`^([0-9]{1,6})([mhdw])$`)
	lifeUnits = map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
)

// parseLife reads "90d".
func parseLife(text string) (time.Duration, bool) {
	m := lifeShape.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return time.Duration(n) * lifeUnits[m[2]], err == nil
}

// dayOf is a date for people, "never" when there is none.
func dayOf(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}
