package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// largeBytes is the size of a film of some minutes.
const largeBytes = 1_000_000_000

// largeFile measures a tree with a film in it: its first push beside the pipeline
// that people write for it, the next push without a change beside a process that
// looks at the files and makes one request, and the memory of all who touch it.
func (b *bench) largeFile(ctx context.Context) ([]figure, error) {
	dir, err := os.MkdirTemp("", "fngen-bench-film-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := makeFilm(filepath.Join(dir, "assets", "big_video.mp4")); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(uploadApp), 0o600); err != nil {
		return nil, err
	}
	first, err := b.firstLarge(ctx, dir)
	if err != nil {
		return nil, err
	}
	again, err := b.largeAgain(ctx, dir)
	return append(first, again...), err
}

// makeFilm writes what does not compress.
func makeFilm(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{1}), largeBytes); err != nil {
		return err
	}
	return f.Close()
}

func (b *bench) firstLarge(ctx context.Context, dir string) ([]figure, error) {
	sink, err := startReceiver(ctx)
	if err != nil {
		return nil, err
	}
	defer sink.stop()
	var ours, theirs []time.Duration
	var rss int64
	for range uploadTurns {
		err := b.withProject(ctx, func(project string) error {
			cache, err := os.MkdirTemp("", "fngen-bench-cache-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(cache)
			took, err := pipeline(ctx, dir, sink.url)
			if err != nil {
				return err
			}
			theirs = append(theirs, took)
			// A cache that knows nothing of the file.
			p, err := pushJSON(ctx, project, dir, "XDG_CACHE_HOME="+cache)
			ours = append(ours, time.Duration(p.Timings.Scan+p.Timings.Upload)*time.Millisecond)
			rss = max(rss, p.rss)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	control, err := peakOf("fngend")
	if err != nil {
		return nil, err
	}
	return []figure{
		{
			"first push with a file of 1 GB: read and upload", seconds(median(ours)), seconds(median(theirs)) + " (`tar | zstd -3 | curl`)",
			ratio(median(ours), median(theirs)), "<= 1.3",
		},
		{"memory of that push, the most", fmt.Sprintf("%d MB", rss>>20), "", "", "<= 150 MB"},
		{"memory of fngend, the most since its start", fmt.Sprintf("%d MB", control), "", "", "<= 150 MB"},
	}, nil
}

// pipeline is what people write to send a directory.
func pipeline(ctx context.Context, dir, url string) (time.Duration, error) {
	began := time.Now()
	err := command(ctx, "sh", "-c", `tar -C "$1" -cf - . | zstd -q -3 | curl -sSf --cacert "$FNGEN_CA_CERT" -T - "$2"`, "sh", dir, url)
	return time.Since(began), err
}

func (b *bench) largeAgain(ctx context.Context, dir string) ([]figure, error) {
	floor := filepath.Join(b.dir, "floor")
	if err := command(ctx, "go", "build", "-o", floor, "./bench/floor"); err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	var agent int
	err := b.withProject(ctx, func(project string) error {
		var err error
		ours, theirs, err = compareIdle(ctx, floor, project, dir)
		if err == nil {
			agent, err = peakOf("fngen-agent")
		}
		return err
	})
	return []figure{
		{
			"push without a change, a file of 1 GB", millis(median(ours)), millis(median(theirs)) + " (look at every file, one request)",
			ratio(median(ours), median(theirs)), "<= 2",
		},
		{"memory of fngen-agent, which fetched that tree, the most", fmt.Sprintf("%d MB", agent), "", "", "<= 150 MB"},
	}, err
}
