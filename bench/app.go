package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// source is the app that both sides serve; %d is the line that changes.
const source = `from fastapi import FastAPI

app = FastAPI()
VERSION = %d


@app.get("/")
def index():
    return {"version": VERSION}
`

const power = `

from fngen.powers import webapp


@webapp(framework="fastapi")
def live_app():
    return app
`

const config = `servers:
  - name: web
    size: xl
    region: us-west
`

// bench is one run: a project of fngen's and a hand-written job beside it.
type bench struct {
	project string
	dir     string
	version int
	http    *client
	// layer is the virtual environment that both sides use.
	layer string
	uid   int
}

func newBench() (*bench, error) {
	random := make([]byte, 3)
	_, _ = rand.Read(random)
	dir, err := os.MkdirTemp("", "fngen-bench-")
	if err != nil {
		return nil, err
	}
	http, err := newClient()
	if err != nil {
		return nil, err
	}
	return &bench{project: "bench-" + hex.EncodeToString(random), dir: dir, http: http}, nil
}

// prepare makes the first version live, with its layer.
func (b *bench) prepare(ctx context.Context) error {
	if err := b.writeApp(); err != nil {
		return err
	}
	for path, text := range map[string]string{"requirements.txt": "fastapi\nuvicorn\n", "fngen.yml": config} {
		if err := os.WriteFile(filepath.Join(b.dir, path), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := command(ctx, "fngen", "create", b.project); err != nil {
		return err
	}
	if err := b.push(ctx); err != nil {
		return err
	}
	return b.findLayer(ctx)
}

func (b *bench) writeApp() error {
	b.version++
	return os.WriteFile(filepath.Join(b.dir, "app.py"), []byte(fmt.Sprintf(source, b.version)+power), 0o600)
}

func (b *bench) push(ctx context.Context) error {
	return command(ctx, "fngen", "push", b.project, b.dir)
}

func (b *bench) cleanUp() {
	ctx := context.Background()
	for _, args := range [][]string{
		{"fngen", "destroy", b.project, "--yes"}, {"nomad", "job", "stop", "-purge", "-detach", "-namespace", "default", rival},
	} {
		if err := command(ctx, args[0], args[1:]...); err != nil {
			fmt.Fprintln(os.Stderr, "bench: clean up:", err)
		}
	}
	_ = os.RemoveAll(b.dir)
}

// findLayer reads the environment's key and owner from the job that fngen made.
func (b *bench) findLayer(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "nomad", "job", "inspect", "-namespace", b.project, "web-live_app").Output()
	if err != nil {
		return fmt.Errorf("inspect our job: %w", err)
	}
	var inspected struct {
		Job struct {
			TaskGroups []struct {
				Tasks []struct {
					Config struct{ Args []string }
				}
			}
		}
	}
	if err := json.Unmarshal(out, &inspected); err != nil {
		return fmt.Errorf("inspect our job: %w", err)
	}
	for _, arg := range inspected.Job.TaskGroups[0].Tasks[0].Config.Args {
		if key, ok := strings.CutPrefix(arg, "--layer="); ok {
			b.layer = key
		}
		if uid, ok := strings.CutPrefix(arg, "--uid="); ok {
			_, _ = fmt.Sscan(uid, &b.uid)
		}
	}
	if b.layer == "" || b.uid == 0 {
		return fmt.Errorf("our job names no layer")
	}
	return nil
}

// command runs a program and gives its output only when it fails.
func command(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
