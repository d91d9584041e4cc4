package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fngen.dev/fngen/compiler/diag"
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

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "fngen",
		Short:         "Put Python functions online",
		Long:          rootHelp,
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
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
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON document on stdout")

	root.AddGroup(
		&cobra.Group{ID: "project", Title: "Projects:"},
		&cobra.Group{ID: "local", Title: "On this machine, without an account:"},
		&cobra.Group{ID: "other", Title: "Other:"},
	)
	addGroup(root, "project", newCmdPush(a), newCmdPlan(a), newCmdStatus(a), newCmdRunTask(a), newCmdTasks(a), newCmdLogs(a), newCmdReleases(a), newCmdRollback(a), newCmdSetEnv(a), newCmdEnv(a), newCmdUnsetEnv(a), newCmdCreate(a), newCmdProjects(a), newCmdDestroy(a))
	addGroup(root, "local", newCmdInit(a), newCmdDev(a), newCmdCompile(a), newCmdFiles(a), newCmdSchema(a))
	addGroup(root, "other", newCmdConnect(a), newCmdKey(a), newCmdVersion(a), newCmdCompletion(a))
	return root
}

func addGroup(root *cobra.Command, id string, cmds ...*cobra.Command) {
	for _, c := range cmds {
		c.GroupID = id
		c.DisableFlagsInUseLine = true
		root.AddCommand(c)
	}
}

// knownCommand refuses what is no command, with the nearest one that is.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := &usageError{message: fmt.Sprintf("unknown command %q", args[0]), help: fmt.Sprintf("%q lists the commands", helpOf(cmd))}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err.help = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return err
}

func helpOf(cmd *cobra.Command) string {
	if cmd.HasParent() {
		return cmd.CommandPath() + " --help"
	}
	return cmd.CommandPath() + " help"
}

// newCmdHelp is cobra's, but a command that does not exist is an error.
func newCmdHelp() *cobra.Command {
	return &cobra.Command{
		Use:    "help [COMMAND]",
		Short:  "Show help for a command",
		Hidden: true,
		Args:   maxArgs(1),
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
			return knownCommand(root, args)
		},
	}
}

// flagError says which flag was meant, or where the flags are listed.
func flagError(cmd *cobra.Command, err error) error {
	out := &usageError{message: err.Error(), help: fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help")}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			out.help = "did you mean --" + near + "?"
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
