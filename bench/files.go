package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	files "fngen.dev/fngen/compiler/source"
)

// A tree of 30,000 files in 3,000 directories, as a large monorepo has: rules at
// the top, of every kind, more in each package and in some below it.
const (
	packages, modules, parts, filesOfPart = 30, 10, 10, 10
	fileTurns                             = 21
)

const topRules = `*.log
*.tmp
!important.log
__pycache__/
*.py[co]
build/
/dist/
.venv
node_modules/
*.egg-info/
docs/_build/
**/cache/**
.DS_Store
/pkg01/mod?/part9/
`

const packageRules = "*.bak\nfile_7.txt\n!file_6.log\nmod3/part[5-9]/*.css\n"

var endings = [filesOfPart]string{".py", ".py", ".py", ".html", ".css", ".json", ".log", ".txt", ".pyo", ".tmp"}

// listFiles measures what a scan costs: `fngen files` against `git ls-files`, and
// a scan that remembers all digests against a walk that only asks the disk about
// every file.
func listFiles(ctx context.Context) ([]figure, error) {
	dir, err := os.MkdirTemp("", "fngen-bench-files-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	fngen := filepath.Join(dir, "fngen")
	if err := command(ctx, "go", "build", "-o", fngen, "./cmd/fngen"); err != nil {
		return nil, err
	}
	tree := filepath.Join(dir, "tree")
	if err := makeMonorepo(ctx, tree); err != nil {
		return nil, err
	}
	untracked, err := compareLists(ctx, tree, fngen, "not yet added to git")
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{{"add", "-A"}, {"-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-q", "-m", "tree"}} {
		if err := command(ctx, "git", append([]string{"-C", tree}, args...)...); err != nil {
			return nil, err
		}
	}
	tracked, err := compareLists(ctx, tree, fngen, "committed")
	if err != nil {
		return nil, err
	}
	scan, err := compareScans(ctx, tree, filepath.Join(dir, "index"))
	return append(append(untracked, tracked...), scan...), err
}

func makeMonorepo(ctx context.Context, root string) error {
	write := func(name, text string) error {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(name, []byte(text), 0o644)
	}
	if err := write(filepath.Join(root, ".gitignore"), topRules); err != nil {
		return err
	}
	for p := range packages {
		dir := filepath.Join(root, fmt.Sprintf("pkg%02d", p))
		if err := write(filepath.Join(dir, ".gitignore"), packageRules); err != nil {
			return err
		}
		for m := range modules {
			module := filepath.Join(dir, fmt.Sprintf("mod%d", m))
			if m%3 == 0 {
				if err := write(filepath.Join(module, ".gitignore"), "/part2\n*.swp\n"); err != nil {
					return err
				}
			}
			for n := range parts * filesOfPart {
				name := filepath.Join(module, fmt.Sprintf("part%d", n/filesOfPart), fmt.Sprintf("file_%d%s", n%filesOfPart, endings[n%filesOfPart]))
				if err := write(name, strings.Repeat(fmt.Sprintf("# %d %d %d\n", p, m, n), 20)); err != nil {
					return err
				}
			}
		}
	}
	return command(ctx, "git", "-C", root, "init", "-q")
}

// compareLists runs both programs turn by turn, after it has seen that they list
// the same.
func compareLists(ctx context.Context, tree, fngen, state string) ([]figure, error) {
	git := []string{"git", "-C", tree, "ls-files", "-co", "--exclude-standard"}
	ours := []string{fngen, "files", tree}
	if err := sameLines(ctx, git, ours); err != nil {
		return nil, err
	}
	var mine, theirs []time.Duration
	var memory int64
	for range fileTurns {
		took, _, err := process(ctx, git)
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, took)
		took, peak, err := process(ctx, ours)
		if err != nil {
			return nil, err
		}
		mine, memory = append(mine, took), max(memory, peak)
	}
	return []figure{
		{
			"`fngen files`, 30,000 files in 3,000 directories, " + state, millis(median(mine)), millis(median(theirs)) + " (`git ls-files -co --exclude-standard`)",
			ratio(median(mine), median(theirs)), "<= 1.5",
		},
		{"its memory, the largest of all turns", fmt.Sprintf("%d MB", memory>>20), "", "", "< 40 MB"},
	}, nil
}

func sameLines(ctx context.Context, a, b []string) error {
	var lists [2]map[string]bool
	for i, args := range [][]string{a, b} {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		lists[i] = map[string]bool{}
		for line := range strings.Lines(string(out)) {
			lists[i][line] = true
		}
	}
	for line := range lists[0] {
		if !lists[1][line] {
			return fmt.Errorf("only %s lists %s", a[0], line)
		}
	}
	if len(lists[0]) != len(lists[1]) || len(lists[0]) < 10_000 {
		return fmt.Errorf("%s lists %d files, %s %d", a[0], len(lists[0]), b[0], len(lists[1]))
	}
	return nil
}

// process runs a program with its output thrown away, and returns how long it
// took and the most memory that it had, in bytes.
func process(ctx context.Context, args []string) (time.Duration, int64, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", args[0], err)
	}
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return took, usage.Maxrss << 10, nil
}

// compareScans measures inside this process, since no program does only this.
func compareScans(ctx context.Context, tree, indexes string) ([]figure, error) {
	scan := func(o files.Options) (*files.Scanned, time.Duration, error) {
		begin := time.Now()
		s, err := files.Scan(ctx, tree, o)
		return s, time.Since(begin), err
	}
	remember := files.Options{Indexes: indexes}
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		s, _, err := scan(remember)
		if err != nil {
			return nil, err
		}
		if s.Hashed == 0 {
			break
		}
		if time.Since(begin) > time.Minute {
			return nil, fmt.Errorf("%d digests are not remembered", s.Hashed)
		}
	}
	var warm, cold, floor []time.Duration
	for range fileTurns {
		took, err := walkAndAsk(tree)
		if err != nil {
			return nil, err
		}
		floor = append(floor, took)
		if _, took, err = scan(remember); err != nil {
			return nil, err
		}
		warm = append(warm, took)
		if _, took, err = scan(files.Options{}); err != nil {
			return nil, err
		}
		cold = append(cold, took)
	}
	lstat := millis(median(floor)) + " (walk and lstat every file)"
	return []figure{
		{"scan of that tree, nothing changed", millis(median(warm)), lstat, ratio(median(warm), median(floor)), "<= 1.2"},
		{"scan of that tree, every file read", millis(median(cold)), lstat, ratio(median(cold), median(floor)), ""},
	}, nil
}

func walkAndAsk(tree string) (time.Duration, error) {
	begin := time.Now()
	err := filepath.WalkDir(tree, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if err == nil {
			_, err = d.Info()
		}
		return err
	})
	return time.Since(begin), err
}

func ratio(ours, rival time.Duration) string {
	return fmt.Sprintf("%.2f", float64(ours)/float64(rival))
}
