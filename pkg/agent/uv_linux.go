package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// uv runs the installer as the project's user: it runs whatever the packages of
// strangers want to run.
type uv struct {
	command  command
	python   string
	dir      string
	wheels   string
	files    []string
	provided []string
	hashes   bool
}

func newUV(o *buildOptions, env environ, c *cache, tree, dir string) (*uv, error) {
	settings, err := buildSettings(o.node)
	if err != nil {
		return nil, err
	}
	u := &uv{
		python: interpreter(o.node, o.python), dir: dir, wheels: filepath.Join(o.node, "wheels"),
		files: o.files, provided: o.provided, hashes: o.requireHashes,
	}
	if _, err := os.Stat(u.python); err != nil {
		return nil, lacks(o.node, o.python, err)
	}
	// Nothing of the task's environment but where it is: it holds tokens.
	e := environ{"LANG=C.UTF-8"}
	for _, name := range []string{"NOMAD_ALLOC_ID", "NOMAD_DC", "NOMAD_REGION", "TZ"} {
		if v := env.get(name); v != "" {
			e = e.with(name, v)
		}
	}
	for _, v := range settings {
		name, value, _ := strings.Cut(v, "=")
		e = e.with(name, value)
	}
	for _, v := range [][2]string{
		{"PATH", filepath.Join(dir, "bin") + ":" + searchPath},
		{"HOME", o.home},
		{"TMPDIR", "/tmp"},
		{"USER", o.project},
		{"LOGNAME", o.project},
		{"NO_COLOR", "1"},
		{"UV_NO_PROGRESS", "1"},
		// A uv.toml or pyproject.toml of the tree must not change what the platform does.
		{"UV_NO_CONFIG", "1"},
		{"UV_PYTHON_DOWNLOADS", "never"},
		{"UV_CACHE_DIR", filepath.Join(c.dir, "uv")},
		// What serves the code is another copy of the tree than the one here.
		{"UV_NO_EDITABLE", "1"},
		{"UV_PROJECT_ENVIRONMENT", dir},
		// Files get new times when a layer is packed and unpacked, which would void
		// byte code that is checked by time; and a layer never changes.
		{"PYC_INVALIDATION_MODE", "UNCHECKED_HASH"},
	} {
		e = e.with(v[0], v[1])
	}
	u.command = command{path: filepath.Join(o.node, "bin", "uv"), dir: tree, env: e, user: credential(o.uid, c.gid)}
	return u, nil
}

// install makes the virtual environment and installs the requirements into it.
// What uv prints goes to our own streams as it is.
func (u *uv) install(signals <-chan os.Signal) error {
	status, err := u.run(signals, "venv", "--quiet", "--no-project", "--python", u.python, u.dir)
	if err != nil {
		return err
	}
	if code := exitCode(status); code != 0 {
		return fmt.Errorf("make virtual environment: uv %s", ending(status))
	}
	if len(u.files)+len(u.provided) == 0 {
		return nil
	}
	status, err = u.run(signals, u.arguments()...)
	switch {
	case err != nil:
		return err
	case status.Signaled():
		return fmt.Errorf("uv %s: did it run out of memory?", ending(status))
	case status.ExitStatus() != 0:
		return errRefused
	}
	return nil
}

// arguments are those of uv that install what the tree asks for: the packages of
// a lock file, or what the requirement files resolve to.
func (u *uv) arguments() []string {
	if len(u.files) > 0 && u.files[0] == "uv.lock" {
		// The SDK is on every node, and a lock may name it by a path of another machine.
		return []string{
			"sync", "--frozen", "--no-dev", "--no-install-project", "--no-install-package", "fngen",
			"--python", u.python, "--link-mode", "copy", "--compile-bytecode",
		}
	}
	args := []string{
		"pip", "install", "--python", filepath.Join(u.dir, "bin", "python"),
		"--link-mode", "copy", "--compile-bytecode", "--find-links", u.wheels, "--no-sources-package", "fngen",
	}
	if u.hashes {
		args = append(args, "--require-hashes")
	}
	for _, f := range u.files {
		args = append(args, "-r", f) // relative: uv names it in its messages
	}
	return append(append(args, "--"), u.provided...)
}

func (u *uv) run(signals <-chan os.Signal, args ...string) (syscall.WaitStatus, error) {
	c := u.command
	c.args = args
	return run(c, signals)
}
