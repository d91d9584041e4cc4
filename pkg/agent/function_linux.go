package agent

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/nodefiles"
	"fngen.dev/fngen/pkg/cause"
)

// place is where the parts of a function are on this node; empty for those that it
// does not have. The locks keep them there until they are closed.
type place struct {
	tree          *ownTree
	layer, static string
	// variables are the project's own.
	variables environ
	// cause is the file in which the runtime says why it does not come up.
	cause string
	// platform answers what the function asks of the platform, nil when it cannot.
	platform *http.Server
	locks    []*os.File
}

func (p *place) close() {
	if p.platform != nil {
		p.platform.Close()
	}
	for _, lock := range p.locks {
		lock.Close()
	}
}

// fetch brings everything that a function needs into place, as root. The place is
// to be closed also when there is an error.
func (fn *function) fetch(ctx context.Context, log console.Logger) (*place, error) {
	p := &place{}
	store, client, err := prepare(&fn.target, log)
	if err != nil {
		return p, err
	}
	defer client.http.CloseIdleConnections()
	if p.variables, err = fn.variables(); err != nil {
		return p, err
	}
	f := &fetcher{cache: store, client: client, log: log}
	tree, lock, err := f.tree(ctx, &fn.target)
	if err != nil {
		return p, err
	}
	p.tree, p.locks = tree, append(p.locks, lock)
	keep := func(dir string, lock *os.File, err error) (string, error) {
		if err == nil {
			p.locks = append(p.locks, lock)
		}
		return dir, err
	}
	if fn.layer != "" {
		if p.layer, err = keep(f.layer(ctx, &fn.target)); err != nil {
			return p, err
		}
	}
	if fn.static != "" {
		if p.static, err = keep(f.static(ctx, fn.static)); err != nil {
			return p, err
		}
		p.locks = append(p.locks, f.liveStatic(ctx, fn.static)...)
	}
	if err := store.own(fn.home, fn.uid, store.gid, 0o750); err != nil {
		return p, fmt.Errorf("make home: %w", err)
	}
	if p.cause, err = causeFile(store, filepath.Dir(fn.app)); err != nil {
		return p, err
	}
	if p.platform, err = client.listen(fn.platformSocket()); err != nil {
		log.Say("%s cannot send tasks: %v", fn.name, err)
	}
	return p, nil
}

// causeFile makes the file of a cause, which the project may write, where it cannot
// put anything else in its place. What an earlier start said stays.
func causeFile(c *cache, root string) (string, error) {
	path := filepath.Join(root, cause.File)
	if err := c.own(filepath.Dir(path), 0, 0, 0o755); err != nil {
		return "", fmt.Errorf("make the directory of causes: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err == nil && c.gid >= 0 {
		err = os.Lchown(path, c.uid, c.gid)
	}
	if err != nil {
		return "", fmt.Errorf("make the file of causes: %w", err)
	}
	return path, nil
}

// boot is the runtime's Python with arguments of its own.
func (fn *function) boot(p *place, e environ, args ...string) command {
	runtime := filepath.Join(fn.node, "runtime", fn.python)
	python := nodefiles.Interpreter(fn.node, fn.python)
	if p.layer != "" {
		python = filepath.Join(p.layer, "bin", "python")
	}
	return command{
		path: python,
		args: append([]string{"-u", filepath.Join(runtime, "fngen", "runtime", "boot.py")}, args...),
		tree: p.tree,
		env:  e.with("FNGEN_RUNTIME", runtime),
	}
}

// bound is what the function may have on the disk of its server.
func (fn *function) bound(tree *ownTree, log console.Logger) *disk {
	return &disk{limit: fn.disk * 1e9, whose: "its server", uid: fn.uid, code: tree.bytes, stay: []string{fn.home, "/tmp", filepath.Join(filepath.Dir(fn.app), filepath.Dir(cause.File))}, at: filepath.Dir(fn.app), log: log}
}

// sayFull says of a program that failed that the disk is full, where it is: likely
// the reason.
func (fn *function) sayFull(status syscall.WaitStatus, log console.Logger) {
	if console.ExitCode(status) == 0 {
		return
	}
	if err := haveRoom(filepath.Dir(fn.app), 0); err != nil {
		log.Say("%v", err)
	}
}

// bootable checks that the node has what boot starts.
func (fn *function) bootable(c command) error {
	for _, path := range []string{c.path, c.args[1]} {
		if _, err := os.Stat(path); err != nil {
			return nodefiles.Lacks(fn.node, fn.python, err)
		}
	}
	return nil
}

// environment is what a person's code sees, in whatever way it is run: facts of
// Nomad, the project's variables, and above both what the platform says.
func (fn *function) environment(p *place, env environ) environ {
	e, layer, search := env.withoutCredentials(), p.layer, nodefiles.SearchPath
	for _, v := range p.variables {
		name, value, _ := strings.Cut(v, "=")
		e = e.with(name, value)
	}
	if python := nodefiles.Interpreter(fn.node, fn.python); strings.HasPrefix(python, fn.node) {
		search = filepath.Dir(python) + ":" + nodefiles.SearchPath
	}
	if layer != "" {
		search = filepath.Join(layer, "bin") + ":" + nodefiles.SearchPath
		e = e.with("VIRTUAL_ENV", layer)
	}
	for _, v := range [][2]string{
		{"FNGEN_PROJECT", fn.project},
		{"FNGEN_FUNCTION", fn.name},
		{"FNGEN_POWER", fn.power},
		{"FNGEN_RELEASE", fn.release},
		{"FNGEN_SERVER", fn.server},
		{"FNGEN_FILE", fn.file},
		{"HOME", fn.home},
		{"TMPDIR", "/tmp"},
		{"PATH", search},
		// The user has no entry in the node's passwd, where getpass looks else.
		{"USER", fn.project},
		{"LOGNAME", fn.project},
	} {
		e = e.with(v[0], v[1])
	}
	if p.platform != nil {
		e = e.with("FNGEN_PLATFORM", fn.platformSocket())
	}
	return e.withDefault("PYTHONUNBUFFERED", "1").withDefault("LANG", "C.UTF-8")
}

// platformSocket is where a function reaches the platform, FNGEN_PLATFORM. It is in the
// directory of causes, where the project cannot put anything in its place.
func (fn *function) platformSocket() string {
	return filepath.Join(filepath.Dir(fn.app), filepath.Dir(cause.File), "platform.sock")
}

// spoolDir is beside the directories of the task, where a restart in place finds it
// and the project does not pass.
const spoolDir = ".log"

// openJournal opens the function's log. It is called while the agent is root.
func (fn *function) openJournal() (*journal, error) {
	c, err := connect(&fn.target, console.Logger{W: io.Discard})
	if err != nil {
		return nil, err
	}
	return openJournal(filepath.Join(filepath.Dir(fn.app), spoolDir), fn.uid, c.sendLog)
}
