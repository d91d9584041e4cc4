package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"fngen.dev/fngen/pkg/agent/cache"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/disk"
	"fngen.dev/fngen/pkg/agent/environ"
	"fngen.dev/fngen/pkg/agent/nodefiles"
	"fngen.dev/fngen/pkg/agent/program"
)

// buildDisk is how much a build may have on the disk: its tree, the layer, and what
// is kept of packages for the next one.
const buildDisk = 2 * cache.KeepUV

// uv runs the installer as the project's user: it runs whatever the packages of
// strangers want to run.
type uv struct {
	command program.Command
	python  string
	dir     string
	wheels  string
	// sdk is the wheel of the platform's own fngen, excludes a file that names what is
	// not installed, whoever asks for it: another fngen.
	sdk, excludes string
	files         []string
	provided      []string
	hashes        bool
	home          string
	wanted        *wanted
	git           *git
}

func newUV(o *Options, env environ.Vars, c *cache.Cache, tree, dir string, log console.Logger) (*uv, error) {
	settings, err := buildSettings(o.Node)
	if err != nil {
		return nil, err
	}
	sdk, err := nodefiles.SDKWheel(o.Node)
	if err != nil {
		return nil, err
	}
	u := &uv{
		python: nodefiles.Interpreter(o.Node, o.Python), dir: dir, wheels: filepath.Join(o.Node, "wheels"),
		sdk: sdk, excludes: filepath.Join(o.Home, "excludes.txt"), files: o.files, provided: o.provided, hashes: o.requireHashes, home: o.Home,
	}
	if _, err := os.Stat(u.python); err != nil {
		return nil, nodefiles.Lacks(o.Node, o.Python, err)
	}
	// Nothing of the task's environment but where it is: it holds tokens.
	e := environ.Vars{"LANG=C.UTF-8"}
	for _, name := range []string{"NOMAD_ALLOC_ID", "NOMAD_DC", "NOMAD_REGION", "TZ"} {
		if v := env.Get(name); v != "" {
			e = e.With(name, v)
		}
	}
	for _, v := range settings {
		name, value, _ := strings.Cut(v, "=")
		e = e.With(name, value)
	}
	for _, v := range [][2]string{
		{"PATH", filepath.Join(dir, "bin") + ":" + nodefiles.SearchPath},
		{"HOME", o.Home},
		{"TMPDIR", "/tmp"},
		{"USER", o.Project},
		{"LOGNAME", o.Project},
		{"NO_COLOR", "1"},
		{"UV_NO_PROGRESS", "1"},
		// A uv.toml or pyproject.toml of the tree must not change what the platform does.
		{"UV_NO_CONFIG", "1"},
		{"UV_PYTHON_DOWNLOADS", "never"},
		{"UV_CACHE_DIR", filepath.Join(c.Dir, "uv")},
		// What serves the code is another copy of the tree than the one here.
		{"UV_NO_EDITABLE", "1"},
		{"UV_PROJECT_ENVIRONMENT", dir},
		// Files get new times when a layer is packed and unpacked, which would void
		// byte code that is checked by time; and a layer never changes.
		{"PYC_INVALIDATION_MODE", "UNCHECKED_HASH"},
	} {
		e = e.With(v[0], v[1])
	}
	u.command = program.Command{
		Path: filepath.Join(o.Node, "bin", "uv"), Dir: tree, Env: e, User: program.Credential(o.UID, c.GID), Threads: &program.Threads{UID: o.UID, Log: log},
		Disk: &disk.Quota{Limit: buildDisk, Whose: "a build", UID: o.UID, Stay: []string{o.Home, "/tmp", dir, c.Path(cache.UVCache, "")}, At: dir, Log: log},
	}
	u.git = &git{command: u.command, own: ownGitOf(settings)}
	u.git.command.Path = "/usr/bin/git"
	u.command.Env = u.git.environment(e)
	return u, nil
}

// install makes the virtual environment and installs the requirements into it.
// What uv prints goes to our own streams as it is.
func (u *uv) install(signals <-chan os.Signal) error {
	status, err := u.run(signals, "venv", "--quiet", "--no-project", "--python", u.python, u.dir)
	if err != nil {
		return err
	}
	if code := console.ExitCode(status); code != 0 {
		return fmt.Errorf("make virtual environment: uv %s", console.Ending(status))
	}
	if err := u.installSDK(signals); err != nil {
		return err
	}
	if len(u.files)+len(u.provided) == 0 {
		return nil
	}
	if _, err := u.write(filepath.Base(u.excludes), "fngen\n"); err != nil {
		return err
	}
	steps, err := u.steps()
	if err != nil {
		return err
	}
	for _, args := range steps {
		status, err := u.run(signals, args...)
		switch {
		case err != nil:
			return err
		case status.Signaled():
			return fmt.Errorf("uv %s: did it run out of memory?", console.Ending(status))
		case status.ExitStatus() != 0:
			return errRefused
		}
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
	if code := console.ExitCode(status); code != 0 {
		return fmt.Errorf("install the SDK: uv %s", console.Ending(status))
	}
	return nil
}

// resolve reads what is wanted, and finds out what it takes from repositories.
func (u *uv) resolve(ctx context.Context, python string, signals <-chan os.Signal, log console.Logger) (err error) {
	if len(u.files) == 0 {
		return nil
	}
	if u.wanted, err = readWanted(u.command.Dir, python); err != nil {
		return err
	}
	u.git.signals, u.git.log = signals, log
	if err := u.wanted.resolve(ctx, u.git); err != nil {
		return err
	}
	u.command.Env = u.git.environment(u.command.Env)
	if len(u.wanted.Git) > 0 && u.files[0] == "requirements.txt" {
		return u.wanted.pin(u.command.Dir)
	}
	return nil
}

// inside is the interpreter of the virtual environment.
func (u *uv) inside() string { return filepath.Join(u.dir, "bin", "python") }

// steps are the arguments of uv, run after run, that install what the tree asks
// for: the packages of a lock file, or what the requirement files resolve to.
func (u *uv) steps() ([][]string, error) {
	if len(u.files) > 0 && u.files[0] == "uv.lock" {
		// A lock may name fngen by a path of another machine; the one that is there stays.
		return [][]string{{
			"sync", "--frozen", "--inexact", "--no-dev", "--no-install-project", "--no-install-package", "fngen",
			"--python", u.python, "--link-mode", "copy", "--compile-bytecode",
		}}, nil
	}
	if u.wanted != nil && u.wanted.Digest != "" {
		return u.wantedSteps()
	}
	args := u.pip()
	if u.hashes {
		args = append(args, "--require-hashes")
	}
	for _, f := range u.files {
		args = append(args, "-r", f) // relative: uv names it in its messages
	}
	if u.wanted != nil && len(u.wanted.Git) > 0 && u.files[0] == "pyproject.toml" {
		path, err := u.write("git.txt", u.wanted.overrides())
		if err != nil {
			return nil, err
		}
		args = append(args, "--overrides", path)
	}
	return [][]string{append(append(args, "--"), u.provided...)}, nil
}

func (u *uv) pip() []string {
	return []string{
		"pip", "install", "--python", u.inside(),
		"--link-mode", "copy", "--compile-bytecode", "--find-links", u.wheels,
		"--excludes", u.excludes, "--no-sources-package", "fngen",
	}
}

// wantedSteps install from files that are written here. Of a lock file, all that
// comes from an index must have a hash, wherever it comes from then; what is built
// from a repository or the tree has none. Nothing is installed that is not listed.
func (u *uv) wantedSteps() ([][]string, error) {
	hashed, rest := u.wanted.lines()
	var steps [][]string
	add := func(name, lines string, options ...string) error {
		if lines == "" {
			return nil
		}
		path, err := u.write(name, lines)
		args := append(u.pip(), options...)
		for _, index := range u.wanted.Indexes {
			args = append(args, "--extra-index-url", index)
		}
		steps = append(steps, append(args, "-r", path))
		return err
	}
	if !u.wanted.Locked() {
		return steps, add(u.files[0]+".txt", hashed+rest)
	}
	err := errors.Join(
		add(u.files[0]+".txt", hashed, "--no-deps", "--require-hashes", "--index-strategy", "unsafe-best-match"),
		add(u.files[0]+".sources.txt", rest, "--no-deps"))
	return steps, err
}

// write puts a file for uv where the project's user can read it. The directory is
// that user's: what stands there is not followed.
func (u *uv) write(name, text string) (string, error) {
	path := filepath.Join(u.home, name)
	if err := os.RemoveAll(path); err != nil {
		return "", fmt.Errorf("write requirements: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", fmt.Errorf("write requirements: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("write requirements: %w", err)
	}
	return path, nil
}

func (u *uv) run(signals <-chan os.Signal, args ...string) (syscall.WaitStatus, error) {
	c := u.command
	c.Args = args
	return program.Run(c, signals)
}
