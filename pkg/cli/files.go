package cli

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
	"fngen.dev/fngen/pkg/term"
)

type filesOptions struct {
	Path    string
	Explain string
}

func newCmdFiles(a *app) *cobra.Command {
	o := filesOptions{Path: "."}
	cmd := &cobra.Command{
		Use:   "files [PATH] [--explain FILE]",
		Short: "List the files that a push would send",
		Long: `List the files that a push of PATH would send, one a line, relative to PATH.

What .gitignore excludes stays out unless .fninclude brings it back; what
.fnignore excludes stays out in any case. --explain FILE says which rule decided
about one file. With --json every file that was met, with its rule, the excluded
ones too; a directory that was excluded whole is one entry.`,
		Example: "  fngen files\n  fngen files --explain assets/video.mp4",
		Args:    maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Path = args[0]
			}
			return runFiles(cmd.Context(), a, o)
		},
	}
	cmd.Flags().StringVar(&o.Explain, "explain", "", "say which rule decided about `FILE`, relative to PATH")
	return cmd
}

func runFiles(ctx context.Context, a *app, o filesOptions) error {
	scanned, err := scanPath(ctx, o.Path, source.Options{ListOnly: true})
	if err != nil {
		return err
	}
	list := scanned.Diagnostics.Sorted()
	if list.HasErrors() {
		return refused(list, "")
	}
	_ = diag.Render(a.IO.Err, list, a.IO.Colour)
	if o.Explain != "" {
		return a.explainFile(scanned.Decisions, o.Explain)
	}
	if a.json {
		return a.writeJSON(orEmpty(scanned.Decisions))
	}
	out := bufio.NewWriter(a.IO.Out)
	for _, f := range scanned.Files {
		_, _ = out.WriteString(term.Escape(f.Path))
		_ = out.WriteByte('\n')
	}
	return out.Flush()
}

// scanPath scans a path that a person wrote.
func scanPath(ctx context.Context, path string, o source.Options) (*source.Scanned, error) {
	if !exists(path) {
		return nil, noSuchPath(path)
	}
	return source.Scan(ctx, path, o)
}

// remember has digests kept from one scan to the next. Without a place for what
// can be made again nothing is kept.
func (a *app) remember() source.Options {
	if a.Cache == "" {
		return source.Options{}
	}
	return source.Options{Indexes: filepath.Join(a.Cache, "fngen", "index")}
}

// explainFile prints the decision about a file, or about the nearest directory
// above it that was excluded whole.
func (a *app) explainFile(decisions []source.Decision, file string) error {
	d, ok := findDecision(decisions, path.Clean(filepath.ToSlash(file)))
	if !ok {
		return &usageError{message: fmt.Sprintf("%q was not met", file), help: "name it relative to PATH; fngen files --json lists all that was met"}
	}
	if a.json {
		return a.writeJSON(d)
	}
	verdict := "excluded"
	if d.Included {
		verdict = "included"
	}
	why := ""
	switch {
	case d.Line > 0:
		why = fmt.Sprintf(" by %q (%s:%d)", d.Rule, term.Escape(d.Source), d.Line)
	case d.Rule != "":
		why = fmt.Sprintf(" by %q (%s)", d.Rule, term.Escape(d.Source))
	}
	_, err := fmt.Fprintf(a.IO.Out, "%s: %s%s\n", term.Escape(d.Path), verdict, why)
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
