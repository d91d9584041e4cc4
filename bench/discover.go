package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"fngen.dev/fngen/compiler"
	tree "fngen.dev/fngen/compiler/source"
)

// parseAll reads all files first, then times ast.parse over them.
const parseAll = `
import ast, sys, time, warnings
warnings.simplefilter("ignore")
sources = []
for path in sys.stdin.read().split("\0"):
    with open(path, "rb") as f:
        sources.append(f.read())
begin = time.perf_counter()
for source in sources:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        pass
print(time.perf_counter() - begin)
`

// parses is how often ast.parse goes over the tree: it takes seconds.
const parses = 3

// discovery compiles the standard library of python3 as if it was a project,
// turn by turn with reading the same files, and beside ast.parse in one process.
// All files are in the page cache.
func discovery(ctx context.Context) ([]figure, error) {
	lib, version, err := standardLibrary(ctx)
	if err != nil {
		return nil, err
	}
	python, err := pythonTree(lib)
	if err != nil {
		return nil, err
	}
	var ours, floor, parse []time.Duration
	for range turns {
		begin := time.Now()
		compiler.Compile(ctx, compiler.Input{Tree: python, Project: "bench"})
		ours = append(ours, time.Since(begin))
		begin = time.Now()
		if err := readFiles(lib, python); err != nil {
			return nil, err
		}
		floor = append(floor, time.Since(begin))
	}
	for range parses {
		took, err := parseFiles(ctx, lib, python)
		if err != nil {
			return nil, err
		}
		parse = append(parse, took)
	}
	name := fmt.Sprintf("compile %d Python files, %.1f MB", len(python.Files), float64(python.Size())/1e6)
	return []figure{
		{name, milliseconds(median(ours)), milliseconds(median(floor)) + fmt.Sprintf(" (`os.ReadFile` of them, %d at once)", runtime.GOMAXPROCS(0)),
			fmt.Sprintf("%.2f", float64(median(ours))/float64(median(floor))), "<= 2"},
		{name, milliseconds(median(ours)), milliseconds(median(parse)) + " (`ast.parse` of Python " + version + ", sources in memory, one process)",
			fmt.Sprintf("1/%.0f", float64(median(parse))/float64(median(ours))), "<= 1/20"},
	}, nil
}

func standardLibrary(ctx context.Context) (lib, version string, err error) {
	out, err := exec.CommandContext(ctx, "python3", "-c",
		`import platform, sysconfig; print(sysconfig.get_path("stdlib")); print(platform.python_version())`).Output()
	if err != nil {
		return "", "", fmt.Errorf("ask python3 for its standard library: %w", err)
	}
	lib, version, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	return lib, version, nil
}

// pythonTree is the sources of a standard library, without what pip installed.
func pythonTree(lib string) (tree.Tree, error) {
	python := tree.Tree{FS: os.DirFS(lib)}
	err := fs.WalkDir(python.FS, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "site-packages":
			return fs.SkipDir
		case !d.Type().IsRegular() || !strings.HasSuffix(path, ".py"):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		python.Files = append(python.Files, tree.File{Path: path, Size: info.Size()})
		return nil
	})
	python.Sort()
	return python, err
}

// readFiles reads all files as the compiler could at best.
func readFiles(lib string, python tree.Tree) error {
	var next atomic.Int64
	var group errgroup.Group
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < len(python.Files); i = int(next.Add(1)) - 1 {
				if _, err := os.ReadFile(filepath.Join(lib, python.Files[i].Path)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func parseFiles(ctx context.Context, lib string, python tree.Tree) (time.Duration, error) {
	var paths []string
	for _, f := range python.Files {
		paths = append(paths, filepath.Join(lib, f.Path))
	}
	cmd := exec.CommandContext(ctx, "python3", "-c", parseAll)
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\x00"))
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("run ast.parse: %w", err)
	}
	took, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return time.Duration(took * float64(time.Second)), err
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1000)
}
