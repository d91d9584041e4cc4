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
    size: %s
    region: %s
`

// bench is one run: a project of fngen's and a hand-written job beside it, each
// on a simulated server of its own, with the same share of the processor.
type bench struct {
	project string
	dir     string
	version int
	http    *client
	// lender is a second project, on the server of the hand-written job, whose
	// virtual environment that job borrows.
	lender string
	layer  string
	uid    int
	// trees counts the projects of upload.go.
	trees int
}

func newBench() (*bench, error) {
	if os.Getenv("FNGEN_INGRESS") == "" {
		return nil, fmt.Errorf("no cluster: run `make up`, then `. .dev/env.sh`")
	}
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
	name := "bench-" + hex.EncodeToString(random)
	return &bench{project: name, lender: name + "-lender", dir: dir, http: http}, nil
}

// prepare makes the first version live, and the lender.
func (b *bench) prepare(ctx context.Context) error {
	if err := b.writeApp(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "requirements.txt"), []byte("fastapi\nuvicorn\n"), 0o600); err != nil {
		return err
	}
	for _, p := range []struct{ name, size, region string }{
		{b.lender, "xl", "us-west"}, {b.project, "m", "eu-central"},
	} {
		if err := os.WriteFile(filepath.Join(b.dir, "fngen.yml"), fmt.Appendf(nil, config, p.size, p.region), 0o600); err != nil {
			return err
		}
		if err := command(ctx, "fngen", "create", p.name); err != nil {
			return err
		}
		if err := command(ctx, "fngen", "push", p.name, b.dir); err != nil {
			return err
		}
	}
	return b.findLayer(ctx)
}

func (b *bench) writeApp() error {
	b.version++
	return os.WriteFile(filepath.Join(b.dir, "app.py"), []byte(fmt.Sprintf(source, b.version)+power), 0o600)
}

func (b *bench) cleanUp() {
	ctx := context.Background()
	for _, args := range [][]string{
		{"nomad", "job", "stop", "-purge", "-detach", "-namespace", "default", rival},
		{"fngen", "destroy", b.project, "--yes"}, {"fngen", "destroy", b.lender, "--yes"},
	} {
		if err := command(ctx, args[0], args[1:]...); err != nil {
			fmt.Fprintln(os.Stderr, "bench: clean up:", err)
		}
	}
	_ = os.RemoveAll(b.dir)
}

// findLayer reads the environment's key and owner from the lender's job.
func (b *bench) findLayer(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "nomad", "job", "inspect", "-namespace", b.lender, "web-live_app").Output()
	if err != nil {
		return fmt.Errorf("inspect the lender: %w", err)
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
		return fmt.Errorf("inspect the lender: %w", err)
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
		return fmt.Errorf("the lender's job names no layer")
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
