package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/store"
)

// errLost ends what was made of a tree of which something is lost. orLost says what.
var errLost = errors.New("the tree is damaged")

// manifest reads the list of files of a tree that the platform took in. When it is not
// there, the platform has lost it.
func (c *change) manifest(ctx context.Context, tree string) (source.Manifest, error) {
	m, err := c.store.Tree(ctx, c.project.ID, tree)
	if errors.Is(err, store.ErrNotFound) {
		c.log.Error("a tree is lost", slog.String("project", c.project.Name), slog.String("tree", tree), slog.Any("error", err))
		return m, c.lostProblem("the list of its files")
	}
	if err != nil {
		return m, fmt.Errorf("read tree: %w", err)
	}
	return m, nil
}

// lost is the problem that the platform does not have a tree any more as it took it
// in, or nil. The contents were held to their digests when something read them.
func (c *change) lost(ctx context.Context, tree string) error {
	m, err := c.manifest(ctx, tree)
	if err != nil {
		return err
	}
	view, err := c.blobs.View(scope(c.project))
	if err != nil {
		return err
	}
	defer view.Close()
	var gone []string
	for _, f := range m.Files {
		size, err := view.Size(f.SHA256)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil || size != f.Size {
			gone = append(gone, f.Path)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	c.log.Error("contents are lost", slog.String("project", c.project.Name), slog.String("tree", tree), slog.Int("files", len(gone)), slog.String("first", gone[0]))
	return c.lostProblem(someOf(gone))
}

// lostProblem asks for what is lost: who pushes sends it again.
func (c *change) lostProblem(what string) *api.Problem {
	return api.NewProblem(api.TreeMissing, "the platform has lost a part of this code: %s. That is no fault of yours", what).
		WithHelp("push the code again: what is missing is sent again")
}

// shownFiles is how many files are named of those that are lost.
const shownFiles = 3

func someOf(paths []string) string {
	if len(paths) <= shownFiles {
		return strings.Join(paths, ", ")
	}
	return fmt.Sprintf("%s and %d more files", strings.Join(paths[:shownFiles], ", "), len(paths)-shownFiles)
}

// orLost is why a change failed: when its tree or its layer is not what it was, that
// is the reason, whatever came of it. An agent may have found it out.
func (c *change) orLost(ctx context.Context, tree string, err error) error {
	if err == nil || tree == "" || !c.blobs.Lossy(scope(c.project)) {
		return err
	}
	if lost, ok := errors.AsType[*api.Problem](c.lost(ctx, tree)); ok {
		c.log.Warn("a change failed of what is lost", slog.String("project", c.project.Name), slog.Any("error", err))
		return lost
	}
	for _, key := range c.made() {
		if has, hasErr := c.hasLayer(ctx, key); hasErr == nil && !has && c.wasMade(ctx, key) {
			c.log.Warn("a change failed of what is lost", slog.String("project", c.project.Name), slog.Any("error", err))
			return c.lostProblem("what was installed or collected for it")
		}
	}
	return err
}

// made are the keys of what jobs make for the release before it can run.
func (c *change) made() []string {
	var out []string
	if c.release.Layer != "" {
		out = append(out, c.release.Layer)
	}
	if c.IR == nil {
		return out
	}
	statics, err := jobs.Statics(c.IR, c.release, c.cfg.Cluster)
	if err != nil {
		return out // it was never lowered
	}
	for _, s := range statics {
		out = append(out, s.Key)
	}
	return out
}

// allMade reports whether all of that is there.
func (c *change) allMade(ctx context.Context) (bool, error) {
	for _, key := range c.made() {
		if has, err := c.hasLayer(ctx, key); err != nil || !has {
			return false, err
		}
	}
	return true, nil
}

// wasMade reports whether the result of a job was stored, whatever became of it.
func (c *change) wasMade(ctx context.Context, key string) bool {
	_, err := c.store.Layer(ctx, c.project.ID, key)
	return err == nil
}

// hasLayer looks for what a job has made and stored. What is not as it was counts as
// not there: it is made again.
func (c *change) hasLayer(ctx context.Context, key string) (bool, error) {
	l, err := c.store.Layer(ctx, c.project.ID, key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up layer: %w", err)
	}
	view, err := c.blobs.View(scope(c.project))
	if err != nil {
		return false, err
	}
	defer view.Close()
	if err := view.Verify(l.SHA256, l.Size); errors.Is(err, blob.ErrLost) {
		c.log.Error("a layer is lost", slog.String("project", c.project.Name), slog.String("layer", key), slog.Any("error", err))
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("look up layer: %w", err)
	}
	return true, nil
}
