package build

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
)

// wanted is what the tree asks for, read once more as the compiler read it: what a
// lock file means is too much for the arguments of a job.
type wanted struct {
	*dependencies.Requirements
	// commits are what the requirements from repositories stand for.
	commits map[dependencies.Git]string
}

// readWanted reads the files of the tree. Faults were shown when it was compiled.
func readWanted(tree, python string) (*wanted, error) {
	t := source.Tree{FS: os.DirFS(tree)}
	err := fs.WalkDir(t.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			t.Files = append(t.Files, source.File{Path: path})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tree: %w", err)
	}
	slices.SortFunc(t.Files, func(a, b source.File) int { return strings.Compare(a.Path, b.Path) })
	project, list := dependencies.LoadPyproject(t)
	requirements, more := dependencies.ReadRequirements(t, project, python)
	if list = append(list, more...); list.HasErrors() {
		return nil, fmt.Errorf("%w: %s: %s", errRefused, list.Sorted()[0].File, list.Sorted()[0].Message)
	}
	return &wanted{requirements, map[dependencies.Git]string{}}, nil
}

// resolve finds the commit of each requirement from a repository.
func (w *wanted) resolve(ctx context.Context, g *git) error {
	for _, r := range w.Git {
		commit, err := g.commit(ctx, r)
		if err != nil {
			return err
		}
		w.commits[r] = commit
		if commit != r.Ref {
			g.log.Say("%s of %s is commit %s", or(r.Ref, "the default branch"), r.URL, commit)
		}
	}
	return nil
}

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// sources are the commits as the control plane keeps them.
func (w *wanted) sources() []api.GitSource {
	var out []api.GitSource
	for _, r := range w.Git {
		out = append(out, api.GitSource{Name: r.Name, URL: r.URL, Ref: r.Ref, Commit: w.commits[r]})
	}
	return out
}

// pin writes the commits into the copy of the tree's requirement files.
func (w *wanted) pin(tree string) error {
	for _, file := range w.Files {
		path := filepath.Join(tree, filepath.FromSlash(file))
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		lines := strings.SplitAfter(string(data), "\n")
		for _, r := range w.Git {
			if r.Place.File == file {
				pinLine(lines, r, w.commits[r])
			}
		}
		if err := replace(path, []byte(strings.Join(lines, ""))); err != nil {
			return err
		}
	}
	return nil
}

// pinLine rewrites the first URL of the requirement at or after its line, which may
// go on over others. An editable one is installed like the rest: what serves the
// code is not here.
func pinLine(lines []string, r dependencies.Git, commit string) {
	url := strings.TrimPrefix(r.Text, "-e ")
	for i := max(r.Place.Line-1, 0); i < len(lines); i++ {
		before, after, found := strings.Cut(lines[i], url)
		if !found {
			continue
		}
		if url != r.Text {
			before = ""
		}
		fragment := ""
		if j := strings.IndexByte(url, '#'); j >= 0 {
			fragment = url[j:]
		}
		lines[i] = before + "git+" + r.URL + "@" + commit + fragment + after
		return
	}
}

// replace writes a file anew that the project's user owns.
func replace(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// lines are the requirements of a lock file or of another tool's manifest: those
// that must have a hash, and those that cannot.
func (w *wanted) lines() (hashed, rest string) {
	for _, p := range w.Wanted {
		line := p.Line(func(g dependencies.Git) string { return w.commits[g] }) + "\n"
		if len(p.Hashes) > 0 {
			hashed += line
		} else {
			rest += line
		}
	}
	return hashed, rest
}

// overrides are the requirements from repositories with their commits.
func (w *wanted) overrides() string {
	var b strings.Builder
	for _, r := range w.Git {
		b.WriteString(r.Name + " @ " + r.Requirement(w.commits[r]) + "\n")
	}
	return b.String()
}
