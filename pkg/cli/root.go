package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/dev"
	"fngen.dev/fngen/pkg/cli/env"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/keys"
	"fngen.dev/fngen/pkg/cli/local"
	"fngen.dev/fngen/pkg/cli/logs"
	"fngen.dev/fngen/pkg/cli/plan"
	"fngen.dev/fngen/pkg/cli/projects"
	"fngen.dev/fngen/pkg/cli/push"
	"fngen.dev/fngen/pkg/cli/tasks"
)

const rootHelp = `fngen puts Python functions online.

Mark a function with a Power, such as @webapp, and push the code:

  fngen push my-project my_website.py`

// usage is the template of every --help: how to call it, an example, then the rest.
const usage = `Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND [flags]{{else}}{{.UseLine}}{{end}}
{{- if .HasExample}}

Example:
{{.Example}}
{{- end}}
{{- if .HasAvailableSubCommands}}{{$all := .Commands}}{{range $group := .Groups}}

{{.Title}}
{{- range $all}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}
{{- end}}
{{- if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableInheritedFlags}}

Flags of every command:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" says more about a command.
{{- end}}
`

func newRoot(a *command.App) *cobra.Command {
	root := &cobra.Command{
		Use:           "fngen",
		Short:         "Put Python functions online",
		Long:          rootHelp,
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          command.KnownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		CompletionOptions: cobra.CompletionOptions{
			DisableDefaultCmd: true,
		},
	}
	root.SetUsageTemplate(usage)
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("fngen {{.Version}}\n")
	root.SetHelpCommand(newCmdHelp())
	root.Flags().Bool("version", false, "print the version")
	root.PersistentFlags().BoolP("help", "h", false, "show this help")
	root.PersistentFlags().BoolVar(&a.JSON, "json", false, "print one JSON document on stdout")

	root.AddGroup(
		&cobra.Group{ID: "project", Title: "Projects:"},
		&cobra.Group{ID: "local", Title: "On this machine, without an account:"},
		&cobra.Group{ID: "other", Title: "Other:"},
	)
	command.AddGroup(root, "project", push.NewCmd(a), plan.NewCmd(a), projects.NewCmdStatus(a), tasks.NewCmdRun(a), tasks.NewCmd(a), logs.NewCmd(a), projects.NewCmdReleases(a), projects.NewCmdRollback(a), env.NewCmdSet(a), env.NewCmd(a), env.NewCmdUnset(a), projects.NewCmdCreate(a), projects.NewCmd(a), projects.NewCmdDestroy(a))
	command.AddGroup(root, "local", local.NewCmdInit(a), dev.NewCmd(a), local.NewCmdCompile(a), local.NewCmdFiles(a), local.NewCmdSchema(a))
	command.AddGroup(root, "other", newCmdConnect(a), keys.NewCmd(a), newCmdVersion(a), newCmdCompletion(a))
	return root
}

// newCmdHelp is cobra's, but a command that does not exist is an error.
func newCmdHelp() *cobra.Command {
	return &cobra.Command{
		Use:    "help [COMMAND]",
		Short:  "Show help for a command",
		Hidden: true,
		Args:   command.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			if len(args) == 0 {
				return root.Help()
			}
			for _, c := range root.Commands() {
				if c.Name() == args[0] {
					return c.Help()
				}
			}
			return command.KnownCommand(root, args)
		},
	}
}

// flagError says which flag was meant, or where the flags are listed.
func flagError(cmd *cobra.Command, err error) error {
	out := &exit.Usage{Message: err.Error(), Help: fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help")}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			out.Help = "did you mean --" + near + "?"
		}
	}
	return out
}

func nearestFlag(cmd *cobra.Command, name string) string {
	var names []string
	begins := ""
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		names = append(names, f.Name)
		if begins == "" && strings.HasPrefix(f.Name, name) {
			begins = f.Name
		}
	})
	if begins != "" {
		return begins
	}
	return diag.Nearest(name, names)
}
