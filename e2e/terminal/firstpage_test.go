//go:build linux

package terminal

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/cluster"
)

// firstPage is what the README says to type first, and to change.
type firstPage struct {
	commands []string
	old, new string
}

var (
	begin  = regexp.MustCompile("(?s)\n## Begin\n.*?```sh\n(.*?)```")
	change = regexp.MustCompile("change `([^`]+)` to `([^`]+)` in `app.py`")
)

func readFirstPage(t *testing.T) firstPage {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block, words := begin.FindSubmatch(text), change.FindSubmatch(text)
	if block == nil || words == nil {
		t.Fatal("the README has no first page")
	}
	return firstPage{strings.Split(strings.TrimSpace(string(block[1])), "\n"), string(words[1]), string(words[2])}
}

// TestFirstPage types the README's first page, word by word, with nothing but the wheel
// in a fresh virtual environment: a first app, served here, changed, and put online.
func TestFirstPage(t *testing.T) {
	requireCluster(t)
	page := readFirstPage(t)
	person := newPerson(t)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range page.commands {
		typed, _, _ := strings.Cut(command, " #")
		switch typed = strings.TrimSpace(typed); typed {
		case "fngen init":
			check(person.Type(command))
			check(person.Wait("Write 3 files? [Y/n]"))
			check(person.Press("y\n"))
			check(person.Ended(command, 0))
		case "fngen dev":
			check(person.Type(command))
			person.develop(t, page)
		case "fngen push":
			check(person.Type(command))
			check(person.Wait("Create project my-website? [Y/n]"))
			check(person.Press("y\n"))
			check(person.Ended(command, 0))
		default:
			check(person.Run(command))
		}
	}
	client, err := cluster.Router()
	check(err)
	status, body, err := ask(client, cluster.URL("my-website")+"/")
	if err != nil || status != http.StatusOK || !strings.Contains(body, page.new) {
		t.Errorf("online it says %d %s, %v\n%s", status, body, err, person.Shown())
	}
	check(person.Run("fngen destroy my-website --yes"))
}

// develop is at fngen dev: sees the app, changes it, presses keys, and ends it.
func (p *person) develop(t *testing.T, page firstPage) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const here = "http://localhost:8000"
	check(p.Wait(here + "\n"))
	check(p.Wait("keys: r starts all anew"))
	check(p.Wait("ready after"))
	if status, body, err := ask(http.DefaultClient, here); err != nil || status != http.StatusOK || !strings.Contains(body, page.old) {
		t.Fatalf("here it says %d %s, %v\n%s", status, body, err, p.Shown())
	}
	file := filepath.Join(p.dir, "my-website", "app.py")
	text, err := os.ReadFile(file)
	check(err)
	if !strings.Contains(string(text), page.old) {
		t.Fatalf("%s does not hold %s:\n%s", file, page.old, text)
	}
	check(os.WriteFile(file, []byte(strings.ReplaceAll(string(text), page.old, page.new)), 0o600))
	check(p.Wait("ready after"))
	if status, body, err := ask(http.DefaultClient, here); err != nil || status != http.StatusOK || !strings.Contains(body, page.new) {
		t.Fatalf("after the change it says %d %s, %v\n%s", status, body, err, p.Shown())
	}
	check(p.Press("t"))
	check(p.Wait("no tasks yet"))
	check(p.Press("o"))
	check(p.Wait("opening " + here))
	check(p.Press("r"))
	check(p.Wait("starting all anew"))
	check(p.Wait("ready after"))
	check(p.Press("\x03"))
	began := time.Now()
	check(p.Wait(prompt))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s to end", took)
	}
	check(p.Type("echo exit code $?"))
	check(p.Wait("exit code 0\n"))
	check(p.Wait(prompt))
	check(p.Run("pgrep -u $(id -u) -f my-website/.fngen/dev; [ $? = 1 ]"))
}

// person has a terminal, a Python and a directory.
type person struct {
	*Terminal
	dir string
}

// newPerson makes a virtual environment, for which pip finds the wheel of this checkout.
func newPerson(t *testing.T) *person {
	t.Helper()
	dir := t.TempDir()
	run(t, "python3", "-m", "venv", filepath.Join(dir, "venv"))
	run(t, "go", "run", "-C", "../..", "-trimpath", "-gcflags=all=-dwarf=false", "./sdk/release", "-out", filepath.Join(dir, "wheels"), "-only", "linux/amd64")
	browser := filepath.Join(dir, "browser")
	if err := os.WriteFile(browser, []byte("#!/bin/sh\necho opening \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	env := []string{
		"PATH=" + filepath.Join(dir, "venv", "bin") + ":/usr/bin:/bin", "HOME=" + dir, "BROWSER=" + browser,
		"PIP_FIND_LINKS=" + filepath.Join(dir, "wheels"), "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_PROGRESS_BAR=off",
	}
	for _, name := range []string{"FNGEN_API_URL", "FNGEN_API_KEY", "FNGEN_CA_CERT", "PIP_INDEX_URL", "PIP_CERT", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	terminal, err := Open(dir, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(terminal.Close)
	// After a run that failed in between, too.
	t.Cleanup(func() {
		destroy := exec.Command(filepath.Join(dir, "venv", "bin", "fngen"), "destroy", "my-website", "--yes")
		destroy.Env = env
		_ = destroy.Run()
	})
	return &person{terminal, dir}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

func ask(client *http.Client, url string) (int, string, error) {
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		err = fmt.Errorf("read answer: %w", err)
	}
	return resp.StatusCode, string(body), err
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
