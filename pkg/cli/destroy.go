package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/term"
)

type destroyOptions struct {
	Project string
	Yes     bool
}

func newCmdDestroy(a *app) *cobra.Command {
	o := destroyOptions{}
	cmd := &cobra.Command{
		Use:   "destroy PROJECT [--yes]",
		Short: "Delete a project and all that belongs to it",
		Long: `Stop the functions of a project and delete it for good: its servers, releases,
dependencies and files. This cannot be undone.

It asks you to type the project's name first. --yes does not ask.`,
		Example: "  fngen destroy my-old-website",
		Args:    oneArg("PROJECT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Project = args[0]
			return runDestroy(cmd.Context(), a, o)
		},
	}
	cmd.Flags().BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	return cmd
}

func runDestroy(ctx context.Context, a *app, o destroyOptions) error {
	if err := checkProject(o.Project); err != nil {
		return err
	}
	if !o.Yes && !a.IO.InTTY {
		return &usageError{
			message: "destroy asks for confirmation, and there is no terminal to ask at",
			help:    fmt.Sprintf("if you are sure: fngen destroy %s --yes", o.Project),
		}
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	if !o.Yes {
		status, err := client.Status(ctx, o.Project)
		if err != nil {
			return err
		}
		if err := a.confirm(ctx, status); err != nil {
			return err
		}
	}
	destroyed, err := client.Destroy(ctx, o.Project)
	if ctx.Err() != nil {
		return &failure{
			Code:    interrupted,
			Message: "interrupted; the platform may have begun to delete the project, and then goes on",
			Help:    "see what became of it: fngen status " + o.Project,
		}
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(destroyed)
	}
	return a.writeDestroyed(destroyed)
}

// confirm asks for the project's name and fails when the answer is another.
func (a *app) confirm(ctx context.Context, s api.Status) error {
	a.sayf("This deletes project %s for good, with %s.", s.Project, count(len(s.Functions), "function", "functions"))
	fmt.Fprint(a.IO.Err, "Type the project's name to go on: ")
	answer, err := readLine(ctx, bufio.NewReader(a.IO.In))
	if err != nil {
		a.sayf("")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer != s.Project {
		return &usageError{message: fmt.Sprintf("%q is not %q: nothing was deleted", answer, s.Project)}
	}
	return nil
}

// readLine reads one line, io.EOF where there is none, and gives up at once when ctx ends: a read from a
// terminal cannot be interrupted, so it is left behind in its goroutine, and the
// process ends soon after.
func readLine(ctx context.Context, r *bufio.Reader) (string, error) {
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := r.ReadString('\n')
		read <- result{strings.TrimSpace(line), err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-read:
		if got.err != nil && (got.line == "" || !errors.Is(got.err, io.EOF)) {
			return "", fmt.Errorf("read answer: %w", got.err)
		}
		return got.line, nil
	}
}

func (a *app) writeDestroyed(d api.Destroyed) error {
	var b strings.Builder
	fmt.Fprintf(&b, "deleted project %s\n", d.Project)
	for _, job := range d.Jobs {
		fmt.Fprintf(&b, "deleted job %s\n", term.Escape(job))
	}
	fmt.Fprintf(&b, "deleted %s\n", count(d.Releases, "release", "releases"))
	fmt.Fprintf(&b, "deleted %s\n", count(d.Layers, "dependency layer", "dependency layers"))
	fmt.Fprintf(&b, "deleted %s, %s\n", count(d.Blobs, "stored file", "stored files"), bytesText(d.Bytes))
	switch d.Logs {
	case api.LogsDeleted:
		b.WriteString("deleted logs: the store of logs removes them within a day, and nobody can read them until then\n")
	case api.LogsExpire:
		b.WriteString("logs could not be deleted now: nobody can read them, and they go when they are as old as logs are kept\n")
	}
	_, err := io.WriteString(a.IO.Out, b.String())
	return err
}
