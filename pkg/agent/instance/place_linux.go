package instance

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/disk"
	"fngen.dev/fngen/pkg/agent/environ"
	"fngen.dev/fngen/pkg/agent/journal"
	"fngen.dev/fngen/pkg/agent/nodefiles"
	"fngen.dev/fngen/pkg/agent/program"
	"fngen.dev/fngen/pkg/cause"
)

// Place is where the parts of a function are on this node; empty for those that it
// does not have. The locks keep them there until they are closed.
type Place struct {
	Tree          *program.OwnTree
	layer, Static string
	// variables are the project's own.
	variables environ.Vars
	// Cause is the file in which the runtime says why it does not come up.
	Cause string
	// platform answers what the function asks of the platform, nil when it cannot.
	platform *http.Server
	locks    []*os.File
}

func (p *Place) Close() {
	if p.platform != nil {
		p.platform.Close()
	}
	for _, lock := range p.locks {
		lock.Close()
	}
}

// Fetch brings everything that a function needs into place, as root. The place is
// to be closed also when there is an error.
func (fn *Function) Fetch(ctx context.Context, log console.Logger) (*Place, error) {
	p := &Place{}
	store, client, err := cache.Prepare(&fn.Target, log)
	if err != nil {
		return p, err
	}
	defer client.HTTP.CloseIdleConnections()
	if p.variables, err = fn.variables(); err != nil {
		return p, err
	}
	f := &cache.Fetcher{Cache: store, Client: client, Log: log}
	tree, lock, err := f.Tree(ctx, &fn.Target)
	if err != nil {
		return p, err
	}
	p.Tree, p.locks = tree, append(p.locks, lock)
	keep := func(dir string, lock *os.File, err error) (string, error) {
		if err == nil {
			p.locks = append(p.locks, lock)
		}
		return dir, err
	}
	if fn.Layer != "" {
		if p.layer, err = keep(f.Layer(ctx, &fn.Target)); err != nil {
			return p, err
		}
	}
	if fn.Static != "" {
		if p.Static, err = keep(f.Static(ctx, fn.Static)); err != nil {
			return p, err
		}
		p.locks = append(p.locks, f.LiveStatic(ctx, fn.Static)...)
	}
	if err := store.Own(fn.Home, fn.UID, store.GID, 0o750); err != nil {
		return p, fmt.Errorf("make home: %w", err)
	}
	if p.Cause, err = causeFile(store, filepath.Dir(fn.App)); err != nil {
		return p, err
	}
	if p.platform, err = client.Listen(fn.platformSocket()); err != nil {
		log.Say("%s cannot send tasks: %v", fn.Name, err)
	}
	return p, nil
}

// causeFile makes the file of a cause, which the project may write, where it cannot
// put anything else in its place. What an earlier start said stays.
func causeFile(c *cache.Cache, root string) (string, error) {
	path := filepath.Join(root, cause.File)
	if err := c.Own(filepath.Dir(path), 0, 0, 0o755); err != nil {
		return "", fmt.Errorf("make the directory of causes: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err == nil && c.GID >= 0 {
		err = os.Lchown(path, c.UID, c.GID)
	}
	if err != nil {
		return "", fmt.Errorf("make the file of causes: %w", err)
	}
	return path, nil
}

// Boot is the runtime's Python with arguments of its own.
func (fn *Function) Boot(p *Place, e environ.Vars, args ...string) program.Command {
	runtime := filepath.Join(fn.Node, "runtime", fn.Python)
	python := nodefiles.Interpreter(fn.Node, fn.Python)
	if p.layer != "" {
		python = filepath.Join(p.layer, "bin", "python")
	}
	return program.Command{
		Path: python,
		Args: append([]string{"-u", filepath.Join(runtime, "fngen", "runtime", "boot.py")}, args...),
		Tree: p.Tree,
		Env:  e.With("FNGEN_RUNTIME", runtime),
	}
}

// Bound is what the function may have on the disk of its server.
func (fn *Function) Bound(tree *program.OwnTree, log console.Logger) *disk.Quota {
	return &disk.Quota{Limit: fn.disk * 1e9, Whose: "its server", UID: fn.UID, Code: tree.Bytes, Stay: []string{fn.Home, "/tmp", filepath.Join(filepath.Dir(fn.App), filepath.Dir(cause.File))}, At: filepath.Dir(fn.App), Log: log}
}

// SayFull says of a program that failed that the disk is full, where it is: likely
// the reason.
func (fn *Function) SayFull(status syscall.WaitStatus, log console.Logger) {
	if console.ExitCode(status) == 0 {
		return
	}
	if err := disk.HaveRoom(filepath.Dir(fn.App), 0); err != nil {
		log.Say("%v", err)
	}
}

// Bootable checks that the node has what boot starts.
func (fn *Function) Bootable(c program.Command) error {
	for _, path := range []string{c.Path, c.Args[1]} {
		if _, err := os.Stat(path); err != nil {
			return nodefiles.Lacks(fn.Node, fn.Python, err)
		}
	}
	return nil
}

// Environment is what a person's code sees, in whatever way it is run: facts of
// Nomad, the project's variables, and above both what the platform says.
func (fn *Function) Environment(p *Place, env environ.Vars) environ.Vars {
	e, layer, search := env.WithoutCredentials(), p.layer, nodefiles.SearchPath
	for _, v := range p.variables {
		name, value, _ := strings.Cut(v, "=")
		e = e.With(name, value)
	}
	if python := nodefiles.Interpreter(fn.Node, fn.Python); strings.HasPrefix(python, fn.Node) {
		search = filepath.Dir(python) + ":" + nodefiles.SearchPath
	}
	if layer != "" {
		search = filepath.Join(layer, "bin") + ":" + nodefiles.SearchPath
		e = e.With("VIRTUAL_ENV", layer)
	}
	for _, v := range [][2]string{
		{"FNGEN_PROJECT", fn.Project},
		{"FNGEN_FUNCTION", fn.Name},
		{"FNGEN_POWER", fn.power},
		{"FNGEN_RELEASE", fn.Release},
		{"FNGEN_SERVER", fn.Server},
		{"FNGEN_FILE", fn.file},
		{"HOME", fn.Home},
		{"TMPDIR", "/tmp"},
		{"PATH", search},
		// The user has no entry in the node's passwd, where getpass looks else.
		{"USER", fn.Project},
		{"LOGNAME", fn.Project},
	} {
		e = e.With(v[0], v[1])
	}
	if p.platform != nil {
		e = e.With("FNGEN_PLATFORM", fn.platformSocket())
	}
	return e.WithDefault("PYTHONUNBUFFERED", "1").WithDefault("LANG", "C.UTF-8")
}

// platformSocket is where a function reaches the platform, FNGEN_PLATFORM. It is in the
// directory of causes, where the project cannot put anything in its place.
func (fn *Function) platformSocket() string {
	return filepath.Join(filepath.Dir(fn.App), filepath.Dir(cause.File), "platform.sock")
}

// spoolDir is beside the directories of the task, where a restart in place finds it
// and the project does not pass.
const spoolDir = ".log"

// OpenJournal opens the function's log. It is called while the agent is root.
func (fn *Function) OpenJournal() (*journal.Journal, error) {
	c, err := cache.Connect(&fn.Target, console.Logger{W: io.Discard})
	if err != nil {
		return nil, err
	}
	return journal.Open(filepath.Join(filepath.Dir(fn.App), spoolDir), fn.UID, c.SendLog)
}
