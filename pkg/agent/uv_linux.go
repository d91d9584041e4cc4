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
	command command
	python  string
	dir     string
	wheels  string
	// sdk is the wheel of the platform's own fngen, excludes a file that names what is
	// not installed, whoever asks for it: another fngen.
	sdk, excludes string
	files         []string
	provided      []string
	hashes        bool
}

func newUV(o *buildOptions, env environ, c *cache, tree, dir string) (*uv, error) {
	settings, err := buildSettings(o.node)
	if err != nil {
		return nil, err
	}
	sdk, err := sdkWheel(o.node)
	if err != nil {
		return nil, err
	}
	u := &uv{
		python: interpreter(o.node, o.python), dir: dir, wheels: filepath.Join(o.node, "wheels"),
		sdk: sdk, excludes: filepath.Join(o.home, "excludes.txt"), files: o.files, provided: o.provided, hashes: o.requireHashes,
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
	if err := u.installSDK(signals); err != nil {
		return err
	}
	if len(u.files)+len(u.provided) == 0 {
		return nil
	}
	if err := os.WriteFile(u.excludes, []byte("fngen\n"), 0o644); err != nil {
		return fmt.Errorf("write what is not installed: %w", err)
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

// installSDK puts the platform's own fngen into the environment, where processes that
// the code starts find it too.
func (u *uv) installSDK(signals <-chan os.Signal) error {
	status, err := u.run(signals, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", u.inside(),
		"--link-mode", "copy", "--", u.sdk)
	if err != nil {
		return err
	}
	if code := exitCode(status); code != 0 {
		return fmt.Errorf("install the SDK: uv %s", ending(status))
	}
	return nil
}

// inside is the interpreter of the virtual environment.
func (u *uv) inside() string { return filepath.Join(u.dir, "bin", "python") }

// arguments are those of uv that install what the tree asks for: the packages of
// a lock file, or what the requirement files resolve to.
func (u *uv) arguments() []string {
	if len(u.files) > 0 && u.files[0] == "uv.lock" {
		// A lock may name fngen by a path of another machine; the one that is there stays.
		return []string{
			"sync", "--frozen", "--inexact", "--no-dev", "--no-install-project", "--no-install-package", "fngen",
			"--python", u.python, "--link-mode", "copy", "--compile-bytecode",
		}
	}
	args := []string{
		"pip", "install", "--python", u.inside(),
		"--link-mode", "copy", "--compile-bytecode", "--find-links", u.wheels,
		"--excludes", u.excludes, "--no-sources-package", "fngen",
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
