package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fngen.dev/fngen/bench/hammer"
)

// contender is a server of Python applications, and how it is started.
type contender struct {
	name string
	// args follow the interpreter; PORT and N stand for the port and the processes.
	args string
	// goal is what ours is to reach beside it, in requests a second.
	goal string
}

const us = "fngen"

// ours is the runtime, started as the agent starts it.
var ours = contender{name: us, args: "-u RUNTIME/fngen/runtime/boot.py"}

// Each peer has the settings that its documentation recommends for such an
// application behind a router, and no log of requests.
var (
	ofWSGI = []contender{
		{"gunicorn sync", "-m gunicorn -b 127.0.0.1:PORT -w N --preload app:app", ">= 1.0"},
		{"gunicorn gthread", "-m gunicorn -b 127.0.0.1:PORT -w N --preload -k gthread --threads 4 --keep-alive 75 app:app", ">= 1.0"},
		{"waitress", "-m waitress --listen=127.0.0.1:PORT --threads=4 app:app", ""},
		{"granian", "-m granian --interface wsgi --host 127.0.0.1 --port PORT --workers N --no-access-log app:app", ">= 0.8"},
		{"uvicorn with a2wsgi", "-m uvicorn --host 127.0.0.1 --port PORT --workers N --no-access-log adapted:app", ">= 1.0"},
	}
	ofASGI = []contender{
		{"uvicorn, asyncio", "-m uvicorn --host 127.0.0.1 --port PORT --workers N --loop asyncio --http httptools --no-access-log app:app", ">= 1.0"},
		{"uvicorn, uvloop", "-m uvicorn --host 127.0.0.1 --port PORT --workers N --loop uvloop --http httptools --no-access-log app:app", ">= 1.0"},
		{"granian", "-m granian --interface asgi --host 127.0.0.1 --port PORT --workers N --no-access-log app:app", ">= 0.8"},
	}
)

// running is a contender that serves.
type running struct {
	contender
	address string
	cmd     *exec.Cmd
	seen    []sample
}

// start starts a contender in the directory of an application, and waits until it answers.
func (k *kit) start(ctx context.Context, c contender, app string, processes int) (*running, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	n := strconv.Itoa(processes)
	args := strings.Fields(strings.NewReplacer("PORT", port, "RUNTIME", k.runtime).Replace(c.args))
	for i, arg := range args {
		if arg == "N" {
			args[i] = n
		}
	}
	cmd := exec.CommandContext(ctx, k.python, args...)
	cmd.Dir = app
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if c.name == us {
		cmd.Env = append(cmd.Env,
			"FNGEN_FUNCTION=live_app", "FNGEN_FILE=app.py", "FNGEN_FRAMEWORK="+filepath.Base(app), "FNGEN_PORT="+port,
			"FNGEN_RUNTIME="+k.runtime, "FNGEN_PROCESSES="+n)
	}
	output := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &running{contender: c, address: "127.0.0.1:" + port, cmd: cmd}
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, err = hammer.Ask(ctx, r.address, 500*time.Millisecond); err == nil {
			return r, nil
		}
		if time.Since(begin) > time.Minute {
			r.stop()
			return nil, fmt.Errorf("start %s: %w\n%s", c.name, err, output)
		}
	}
}

// stop ends it and all that it has started.
func (r *running) stop() {
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	_ = r.cmd.Wait()
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// kit is an interpreter with the applications' packages and all peers, and the runtime
// beside it as it is on a node.
type kit struct{ python, runtime string }

// servingKit makes it in dir. The pinned uv of the one-machine cluster installs it.
func servingKit(ctx context.Context, dir string) (*kit, error) {
	k := &kit{python: filepath.Join(dir, "venv", "bin", "python"), runtime: filepath.Join(dir, "runtime")}
	source, err := filepath.Abs("sdk/python")
	if err != nil {
		return nil, err
	}
	uv := []string{"run", "-trimpath", "-gcflags=all=-dwarf=false", "./nomad/dev", "uv"}
	for _, args := range [][]string{
		{"venv", "--quiet", "--python", "3.11", filepath.Join(dir, "venv")},
		{"pip", "install", "--quiet", "--compile-bytecode", "--python", k.python, "--requirements", "bench/serving/requirements.txt"},
		{"pip", "install", "--quiet", "--compile-bytecode", "--python", k.python, "--target", k.runtime, "--require-hashes", "--requirements", filepath.Join(source, "runtime-requirements.txt")},
	} {
		if err := command(ctx, "go", append(uv, args...)...); err != nil {
			return nil, err
		}
	}
	if err := command(ctx, "cp", "-r", filepath.Join(source, "src", "fngen"), k.runtime); err != nil {
		return nil, err
	}
	return k, command(ctx, k.python, "-m", "compileall", "-q", filepath.Join(k.runtime, "fngen"))
}
