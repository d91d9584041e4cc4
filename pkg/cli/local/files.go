package local

import (
	"bufio"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/term"
)

type filesOptions struct {
	Path    string
	Explain string
	Why     bool
}

// NewCmdFiles is fngen files.
func NewCmdFiles(a *command.App) *cobra.Command {
	o := filesOptions{Path: "."}
	cmd := &cobra.Command{
		Use:   "files [PATH] [--why | --explain FILE]",
		Short: "List the files that a push would send",
		Long: `List the files that a push of PATH would send, one a line, relative to PATH.

What .gitignore excludes stays out unless git tracks it or .fninclude brings it
back; what .fnignore excludes stays out in any case. --why lists all that was met,
the excluded too, each with the rule that decided and the place of the rule; a
directory that was excluded whole is one line. --explain FILE does so for one
file. --json is --why for programs.`,
		Example: "  fngen files\n  fngen files --why | grep ^excluded\n  fngen files --explain assets/video.mp4",
		Args:    command.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Path = args[0]
			}
			return runFiles(cmd.Context(), a, o)
		},
	}
	cmd.Flags().BoolVar(&o.Why, "why", false, "list the excluded files too, each with the rule that decided")
	cmd.Flags().StringVar(&o.Explain, "explain", "", "say which rule decided about `FILE`, relative to PATH")
	return cmd
}

func runFiles(ctx context.Context, a *command.App, o filesOptions) error {
	if o.Why && o.Explain != "" {
		return &exit.Usage{Message: "--why and --explain do not go together", Help: "--why lists all files, --explain FILE is about one"}
	}
	scanned, err := target.Scan(ctx, o.Path, source.Options{ListOnly: true})
	if err != nil {
		return err
	}
	list := scanned.Diagnostics
	if a.JSON && list.HasErrors() {
		return writeFaultyFiles(a, scanned.Decisions, list, o)
	}
	if err := writeFiles(a, scanned.Decisions, o); err != nil {
		return err
	}
	if list.HasErrors() {
		return exit.Refused(list, "")
	}
	_ = diag.Render(a.IO.Err, list, a.IO.Colour)
	return nil
}

// writeFaultyFiles is the document of a tree with faults, with its files: who is told
// that it is too large wants to see what is in it.
func writeFaultyFiles(a *command.App, decisions []source.Decision, list diag.List, o filesOptions) error {
	if o.Explain != "" {
		d, ok := findDecision(decisions, path.Clean(filepath.ToSlash(o.Explain)))
		decisions = nil
		if ok {
			decisions = []source.Decision{d}
		}
	}
	err := exit.Refused(list, "")
	write := a.WriteJSON(struct {
		Error       error             `json:"error"`
		Diagnostics diag.List         `json:"diagnostics"`
		Files       []source.Decision `json:"files"`
	}{err, list, command.OrEmpty(decisions)})
	if write != nil {
		return write
	}
	return &exit.Reported{Err: err}
}

// writeFiles answers what was asked about the files. Faults come after it: who is
// told that a tree is too large wants to see what is in it.
func writeFiles(a *command.App, decisions []source.Decision, o filesOptions) error {
	switch {
	case o.Explain != "":
		return explainFile(a, decisions, o.Explain)
	case a.JSON:
		return a.WriteJSON(command.OrEmpty(decisions))
	case o.Why:
		return writeWhy(a, decisions)
	}
	out := bufio.NewWriter(a.IO.Out)
	for _, d := range decisions {
		if d.Included {
			_, _ = out.WriteString(term.Escape(d.Path)) // Flush gives the error
			_ = out.WriteByte('\n')
		}
	}
	return out.Flush()
}

func writeWhy(a *command.App, decisions []source.Decision) error {
	rows := make([][]string, len(decisions))
	for i, d := range decisions {
		rows[i] = []string{verdict(d), d.Path, d.Rule, place(d)}
	}
	return term.Table(a.IO.Out, a.IO.OutTTY, []string{"", "PATH", "RULE", "FROM"}, rows)
}

// verdict is what became of a file. One that no rule excludes and that cannot ship
// is refused, and a diagnostic says why.
func verdict(d source.Decision) string {
	switch {
	case d.Included:
		return "included"
	case d.Rule == "" || d.Rule[0] == '!' || d.Source == "git index" || d.Source == "command line" || path.Base(d.Source) == ".fninclude":
		return "refused"
	}
	return "excluded"
}

func place(d source.Decision) string {
	if d.Line > 0 {
		return fmt.Sprintf("%s:%d", d.Source, d.Line)
	}
	return d.Source
}

// explainFile prints the decision about a file, or about the nearest directory
// above it that was excluded whole.
func explainFile(a *command.App, decisions []source.Decision, file string) error {
	d, ok := findDecision(decisions, path.Clean(filepath.ToSlash(file)))
	if !ok {
		return &exit.Usage{Message: fmt.Sprintf("%q was not met", file), Help: "name it relative to PATH; fngen files --json lists all that was met"}
	}
	if a.JSON {
		return a.WriteJSON(d)
	}
	why := ""
	if d.Rule != "" {
		why = fmt.Sprintf(" by %q (%s)", d.Rule, term.Escape(place(d)))
	}
	_, err := fmt.Fprintf(a.IO.Out, "%s: %s%s\n", term.Escape(d.Path), verdict(d), why)
	return err
}

func findDecision(decisions []source.Decision, file string) (source.Decision, bool) {
	for p := file; p != "." && p != "/"; p = path.Dir(p) {
		for _, d := range decisions {
			if strings.TrimSuffix(d.Path, "/") == p && (p == file || !d.Included) {
				return d, true
			}
		}
	}
	return source.Decision{}, false
}
