package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// uploadTrees are the sizes of projects: a small one, one as large as Python's
// own library with its tests, and one that somebody forgot to clean up.
var uploadTrees = []struct{ files, bytes int }{{50, 600_000}, {2373, 41_500_000}, {30_000, 80_000_000}}

const (
	uploadTurns = 3
	idleTurns   = 11
)

var uploadApp = fmt.Sprintf(source, 1) + power

// pushed is what push --json says, and what the process took.
type pushed struct {
	Uploaded int64 `json:"uploaded_bytes"`
	Timings  struct {
		Scan    int64 `json:"scan"`
		Upload  int64 `json:"upload"`
		Rollout int64 `json:"rollout"`
	} `json:"timings_ms"`
	// rss is the most memory, in bytes. The system counts what this process had
	// when it started the other, so it is never less than that.
	rss int64
}

// pushJSON pushes a directory and reads the result.
func pushJSON(ctx context.Context, project, dir string, env ...string) (pushed, error) {
	var out pushed
	cmd := exec.CommandContext(ctx, "fngen", "push", project, dir, "--json")
	cmd.Env = append(os.Environ(), env...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	text, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("push %s: %w\n%s%s", project, err, text, talk.Bytes())
	}
	out.rss = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	return out, json.Unmarshal(text, &out)
}

// corpus is Python source to make files of: what compresses like a project.
func corpus(ctx context.Context) ([]byte, error) {
	dir, err := exec.CommandContext(ctx, "python3", "-c", "import os; print(os.path.dirname(os.__file__))").Output()
	if err != nil {
		return nil, fmt.Errorf("find Python's library: %w", err)
	}
	files, err := filepath.Glob(strings.TrimSpace(string(dir)) + "/*.py")
	if err != nil {
		return nil, err
	}
	more, err := filepath.Glob(strings.TrimSpace(string(dir)) + "/*/*.py")
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		out = append(out, text...)
	}
	if len(out) < 5<<20 {
		return nil, fmt.Errorf("python's library has only %d bytes", len(out))
	}
	return out, nil
}

// makeTree fills a directory with n files of size bytes in all: a Power, and
// pieces of the corpus, the same ones every time.
func makeTree(corpus []byte, dir string, n, size int) error {
	rng := rand.New(rand.NewPCG(uint64(n), 0))
	for i := range n - 3 {
		sub := filepath.Join(dir, fmt.Sprintf("package_%02d", i%60), fmt.Sprintf("part_%d", i%7))
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return err
		}
		length := min(1+int(rng.ExpFloat64()*float64(size)/float64(n)), 1<<20)
		offset := rng.IntN(len(corpus) - length)
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("data_%05d.txt", i)), corpus[offset:offset+length], 0o600); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"app.py": uploadApp, "requirements.txt": "fastapi\nuvicorn\n", "fngen.yml": fmt.Sprintf(config, "s", "us-west"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// withTree makes a tree and a project, and removes both afterwards.
func (b *bench) withTree(ctx context.Context, corpus []byte, files, size int, f func(project, dir string) error) error {
	dir, err := os.MkdirTemp("", "fngen-bench-tree-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := makeTree(corpus, dir, files, size); err != nil {
		return err
	}
	return b.withProject(ctx, func(project string) error { return f(project, dir) })
}

// withProject makes a project for f, and removes it.
func (b *bench) withProject(ctx context.Context, f func(project string) error) error {
	b.trees++
	project := fmt.Sprintf("%s-t%d", b.project, b.trees)
	if err := command(ctx, "fngen", "create", project); err != nil {
		return err
	}
	err := f(project)
	if destroyErr := command(ctx, "fngen", "destroy", project, "--yes"); err == nil {
		err = destroyErr
	}
	return err
}

// firstPush measures the upload of a new project, reading the files until the
// platform has the tree, beside the whole pipeline that people write for it.
func (b *bench) firstPush(ctx context.Context) ([]figure, error) {
	text, err := corpus(ctx)
	if err != nil {
		return nil, err
	}
	sink, err := startReceiver(ctx)
	if err != nil {
		return nil, err
	}
	defer sink.stop()
	var out []figure
	for _, tree := range uploadTrees {
		var ours, theirs []time.Duration
		var sent, rss int64
		for range uploadTurns {
			err := b.withTree(ctx, text, tree.files, tree.bytes, func(project, dir string) error {
				took, err := pipeline(ctx, dir, sink.url)
				if err != nil {
					return err
				}
				theirs = append(theirs, took)
				p, err := pushJSON(ctx, project, dir)
				ours = append(ours, time.Duration(p.Timings.Scan+p.Timings.Upload)*time.Millisecond)
				sent, rss = p.Uploaded, max(rss, p.rss)
				return err
			})
			if err != nil {
				return nil, err
			}
		}
		out = append(out, figure{
			fmt.Sprintf("first push, %d files, %d MB: read and upload (%.1f MB sent)", tree.files, tree.bytes/1e6, float64(sent)/1e6),
			seconds(median(ours)), seconds(median(theirs)) + fmt.Sprintf(" (`tar | zstd -3 | curl`, %.1f MB)", float64(sink.last())/1e6),
			fmt.Sprintf("%.2f", float64(median(ours))/float64(median(theirs))), "<= 1.2",
		}, figure{fmt.Sprintf("memory of that push, %d files, the most", tree.files), fmt.Sprintf("%d MB", rss>>20), "", "", "< 150 MB"})
	}
	peak, err := peakOf("fngend")
	return append(out, figure{"memory of fngend, the most since its start", fmt.Sprintf("%d MB", peak), "", "", "< 150 MB"}), err
}

// noChangePush measures the push of a tree that is live, beside a process that
// looks at every file and makes one request.
func (b *bench) noChangePush(ctx context.Context) ([]figure, error) {
	text, err := corpus(ctx)
	if err != nil {
		return nil, err
	}
	floor := filepath.Join(b.dir, "floor")
	if err := command(ctx, "go", "build", "-o", floor, "./bench/floor"); err != nil {
		return nil, err
	}
	var out []figure
	for _, tree := range uploadTrees {
		var ours, theirs []time.Duration
		err := b.withTree(ctx, text, tree.files, tree.bytes, func(project, dir string) (err error) {
			ours, theirs, err = compareIdle(ctx, floor, project, dir)
			return err
		})
		if err != nil {
			return nil, err
		}
		out = append(out, figure{
			fmt.Sprintf("push without a change, %d files", tree.files), millis(median(ours)), millis(median(theirs)) + " (look at every file, one request)",
			fmt.Sprintf("%.2f", float64(median(ours))/float64(median(theirs))), "<= 2",
		})
	}
	return out, nil
}

// compareIdle pushes a directory, and then again and again without a change, and
// runs the floor beside it.
func compareIdle(ctx context.Context, floor, project, dir string) (ours, theirs []time.Duration, err error) {
	for turn := range idleTurns + 2 {
		began := time.Now()
		if err := command(ctx, "fngen", "push", project, dir); err != nil {
			return nil, nil, err
		}
		took := time.Since(began)
		began = time.Now()
		if err := command(ctx, floor, dir); err != nil {
			return nil, nil, err
		}
		if turn >= 2 { // the first is no push without a change
			ours, theirs = append(ours, took), append(theirs, time.Since(began))
		}
	}
	return ours, theirs, nil
}

// oneLine measures what a change of one line sends.
func (b *bench) oneLine(ctx context.Context) ([]figure, error) {
	text, err := corpus(ctx)
	if err != nil {
		return nil, err
	}
	var size, sent int64
	var took time.Duration
	err = b.withTree(ctx, text, 10_000, 60_000_000, func(project, dir string) error {
		if _, err := pushJSON(ctx, project, dir); err != nil {
			return err
		}
		file := filepath.Join(dir, "app.py")
		changed := uploadApp + "\n\nVERSION = 2\n"
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			return err
		}
		p, err := pushJSON(ctx, project, dir)
		size, sent, took = int64(len(changed)), p.Uploaded, time.Duration(p.Timings.Scan+p.Timings.Upload)*time.Millisecond
		return err
	})
	return []figure{{
		fmt.Sprintf("one line changed among 10,000 files: bytes sent, read and uploaded in %s", seconds(took)),
		fmt.Sprintf("%d", sent), fmt.Sprintf("%d (the file)", size), "", "< the file + 1,024",
	}}, err
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
