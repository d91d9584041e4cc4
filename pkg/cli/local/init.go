package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/cli/target"
	"fngen.dev/fngen/pkg/term"
)

type initOptions struct {
	Path string
	Yes  bool
}

// NewCmdInit is fngen init.
func NewCmdInit(a *command.App) *cobra.Command {
	o := initOptions{Path: "."}
	cmd := &cobra.Command{
		Use:   "init [PATH] [flags]",
		Short: "Make what a directory of code lacks to be pushed",
		Long: `Make what the code at PATH, a directory, lacks to be pushed: fngen.yml with the
project's name, a function with a Power in a file of its own where there is a web
app that none returns, and .fnignore. An empty directory gets a first app.

All of it is shown before anything is written. A file that exists is never
changed, so that it may be run at any time.`,
		Example: "  fngen init\n  fngen init --yes my-website",
		Args:    command.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Path = args[0]
			}
			return runInit(cmd.Context(), a, o)
		},
	}
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "write without asking")
	return cmd
}

// newFile is a file that is to be made, relative to the root, with slashes.
type newFile struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

func runInit(ctx context.Context, a *command.App, o initOptions) error {
	if info, err := os.Stat(o.Path); err == nil && !info.IsDir() {
		return &exit.Usage{Message: fmt.Sprintf("init: %q is a file", o.Path), Help: "PATH is the directory of the code; a single file needs nothing: fngen push " + o.Path}
	}
	scanned, err := target.Scan(ctx, o.Path, source.Options{ListOnly: true})
	if err != nil {
		return err
	}
	project, _, err := target.ProjectOf("", scanned)
	if err != nil {
		return err
	}
	files, note := missingFiles(scanned, project, compiler.OutlineOf(ctx, scanned.Tree))
	if note != "" {
		a.Warnf("%s", note)
	}
	if len(files) == 0 {
		a.Sayf("Nothing is missing. Next: fngen compile %s", o.Path)
		return reportInit(a, project, files)
	}
	showFiles(a, files)
	if err := mayWrite(ctx, a, o, len(files)); err != nil {
		return err
	}
	for _, f := range files {
		if err := createFile(filepath.Join(scanned.Root, filepath.FromSlash(f.Path)), f.Text); err != nil {
			return err
		}
	}
	return reportInit(a, project, files)
}

// showFiles prints what would be written.
func showFiles(a *command.App, files []newFile) {
	for _, f := range files {
		a.Sayf("%s", a.IO.Paint(term.Bold, "new file "+f.Path))
		for line := range strings.Lines(f.Text) {
			a.Sayf("%s", a.IO.Paint(term.Green, strings.TrimRight("  + "+term.Escape(strings.TrimSuffix(line, "\n")), " ")))
		}
	}
}

// mayWrite asks, unless the command line has said so.
func mayWrite(ctx context.Context, a *command.App, o initOptions, n int) error {
	if o.Yes {
		return nil
	}
	if !a.IO.InTTY || !a.IO.ErrTTY {
		return &exit.Usage{Message: "nothing was written, since nobody can be asked", Help: "write what is shown: fngen init --yes " + o.Path}
	}
	yes, err := a.AskYes(ctx, "Write "+term.Count(n, "file", "files")+"?")
	if err == nil && !yes {
		err = &exit.Usage{Message: "nothing was written"}
	}
	return err
}

// createFile writes a file that must not exist: what was shown is all that changes.
func createFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write new file: %w", err)
	}
	if _, err := f.WriteString(text); err != nil {
		_ = f.Close()
		return fmt.Errorf("write new file: %w", err)
	}
	return f.Close()
}

func reportInit(a *command.App, project string, files []newFile) error {
	if a.JSON {
		return a.WriteJSON(struct {
			Project string    `json:"project"`
			Files   []newFile `json:"files"`
		}{project, command.OrEmpty(files)})
	}
	for _, f := range files {
		if _, err := fmt.Fprintln(a.IO.Out, f.Path); err != nil {
			return err
		}
	}
	return nil
}
