// Package pages types what the tutorials say, on the one-machine cluster: writes their
// files, runs their commands in order, and compares what they show.
package pages

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	block       = regexp.MustCompile("(?sm)^```([a-z]+)\n(.*?)^```$")
	named       = regexp.MustCompile(`^# (\S+)\n`)
	projectLine = regexp.MustCompile(`(?m)^project:.*$`)
	create      = regexp.MustCompile(`(?m)^fngen (?:create|push .*--create)`)
)

// TestTutorials follows each tutorial from its first block to its last. A block of Python,
// YAML or text whose first line is a comment with a path is a file. Of sh each line must
// end well; of console what it shows is compared. What begins with fngen dev goes on until
// the next one, or the end.
func TestTutorials(t *testing.T) {
	requireCluster(t)
	tutorials, err := filepath.Glob("../../docs/tutorials/*.md")
	if err != nil || len(tutorials) < 6 {
		t.Fatalf("%d tutorials, %v", len(tutorials), err)
	}
	for _, tutorial := range tutorials {
		t.Run(strings.TrimSuffix(filepath.Base(tutorial), ".md"), func(t *testing.T) { follow(t, tutorial) })
	}
}

func follow(t *testing.T, tutorial string) {
	text, err := os.ReadFile(tutorial)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, dir: t.TempDir()}
	t.Cleanup(r.forget)
	t.Cleanup(r.endDev)
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		kind, body := m[1], m[2]
		switch kind {
		case "sh":
			for command := range strings.Lines(body) {
				r.enter(strings.TrimSpace(command))
			}
		case "console":
			for _, step := range strings.Split("\n"+body, "\n$ ")[1:] {
				command, shown, _ := strings.Cut(step, "\n")
				r.compare(command, shown)
			}
		default:
			name := named.FindStringSubmatch(body)
			switch {
			case name != nil:
				r.save(name[1], strings.TrimPrefix(body, name[0]))
			case kind == "python":
				t.Fatalf("a block of Python does not begin with the name of its file:\n%s", body)
			}
		}
	}
}

// reader is who follows a tutorial.
type reader struct {
	t   *testing.T
	dir string
	dev *exec.Cmd
	// talk is what that says.
	talk     *os.File
	projects []string
}

// save writes a file.
func (r *reader) save(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) command(text string) *exec.Cmd {
	cmd := exec.CommandContext(r.t.Context(), "sh", "-c", text)
	cmd.Dir = r.dir
	cmd.Env = append(append(os.Environ(), "HOME="+r.dir, "PYTHONPATH="+sdk(r.t)), installer()...)
	return cmd
}

// installer has fngen dev take the uv of the one-machine cluster, and what that has
// fetched; another test has it get its own.
func installer() []string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil
	}
	found, _ := filepath.Glob(filepath.Join(cache, "fngen", "uv-*", "bin", "uv"))
	if len(found) == 0 {
		return nil
	}
	return []string{"UV=" + found[0], "UV_CACHE_DIR=" + filepath.Join(cache, "fngen", "uv-cache")}
}

// enter types a command that must end well.
func (r *reader) enter(text string) {
	r.t.Helper()
	switch {
	case text == "" || strings.HasPrefix(text, "#"):
		return
	case strings.HasPrefix(text, "fngen dev "):
		r.develop(text)
		return
	}
	r.note(text)
	if out, err := r.command(text).CombinedOutput(); err != nil {
		r.t.Fatalf("$ %s\n%v\n%s%s", text, err, out, r.said())
	}
}

// compare types a command, and holds what it shows to what the tutorial does.
func (r *reader) compare(text, shown string) {
	r.t.Helper()
	r.note(text)
	out, _ := r.command(text).CombinedOutput() // some end with exit code 1, and show why
	if diff := cmp.Diff(strings.TrimRight(shown, "\n"), strings.TrimRight(string(out), "\n")); diff != "" {
		r.t.Fatalf("$ %s\n(-tutorial +seen)\n%s\n%s", text, diff, r.said())
	}
}

// develop starts fngen dev and waits until all functions run.
func (r *reader) develop(text string) {
	r.t.Helper()
	r.endDev()
	talk, err := os.CreateTemp(r.t.TempDir(), "dev")
	if err != nil {
		r.t.Fatal(err)
	}
	r.talk, r.dev = talk, r.command("exec "+text)
	r.dev.Stdout, r.dev.Stderr = talk, talk
	if err := r.dev.Start(); err != nil {
		r.t.Fatal(err)
	}
	for deadline := time.Now().Add(3 * time.Minute); !strings.Contains(r.said(), "ready after"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("$ %s\nnothing is ready\n%s", text, r.said())
		}
	}
}

// endDev ends it as Ctrl-C does.
func (r *reader) endDev() {
	if r.dev == nil {
		return
	}
	err := r.dev.Process.Signal(os.Interrupt)
	if err == nil {
		err = r.dev.Wait()
	}
	if err != nil && !errors.Is(err, os.ErrProcessDone) && !interrupted(err) {
		r.t.Errorf("fngen dev ended: %v\n%s", err, r.said())
	}
	r.dev = nil
}

// interrupted reports whether the end of the test was before that of the command.
func interrupted(err error) bool {
	exited, ok := errors.AsType[*exec.ExitError](err)
	return ok && exited.Sys().(syscall.WaitStatus).Signaled()
}

func (r *reader) said() string {
	if r.talk == nil {
		return ""
	}
	text, _ := os.ReadFile(r.talk.Name())
	return fmt.Sprintf("fngen dev said\n%s", text)
}

// note remembers a project that is made, to be destroyed.
func (r *reader) note(text string) {
	if !create.MatchString(text) {
		return
	}
	for _, word := range strings.Fields(text)[2:] {
		if config, err := os.ReadFile(filepath.Join(r.dir, word, "fngen.yml")); err == nil {
			word = strings.TrimSpace(strings.TrimPrefix(string(projectLine.Find(config)), "project:"))
		}
		if !strings.HasPrefix(word, "-") {
			r.projects = append(r.projects, word)
		}
	}
}

// forget destroys what was made. A word may be a directory and no project.
func (r *reader) forget() {
	for _, name := range r.projects {
		cmd := exec.Command("fngen", "destroy", name, "--yes")
		cmd.Env = append(os.Environ(), "HOME="+r.dir)
		_ = cmd.Run()
	}
}

func sdk(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../sdk/python/src")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// requireCluster skips where no cluster was announced; make test announces one.
func requireCluster(t *testing.T) {
	t.Helper()
	if os.Getenv("FNGEN_INGRESS") == "" || os.Getenv("FNGEN_API_KEY") == "" {
		if os.Getenv("FNGEN_E2E") == "required" {
			t.Fatal("FNGEN_E2E=required, but .dev/env.sh has not been read")
		}
		t.Skip("no cluster: run `make up`, then `. .dev/env.sh`")
	}
}
