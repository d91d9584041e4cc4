package e2e

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

var update = flag.Bool("update", false, "write docs/plans anew from what the cluster says")

// TestExamples plans and pushes every example. The plan and the push that follows
// it are docs/plans/<example>.md, and a plan right after the push is empty.
func TestExamples(t *testing.T) {
	cluster.Require(t)
	t.Parallel()
	entries, err := os.ReadDir("../examples")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		shown++
		t.Run(entry.Name(), func(t *testing.T) {
			if entry.Name() == "tasks" {
				e2etest.Beside(t, "s", "spare", "xl", "m")
			} else {
				e2etest.Beside(t, "s")
			}
			example(t, filepath.Join("../examples", entry.Name()))
		})
	}
	if shown < 5 {
		t.Errorf("%d examples", shown)
	}
}

func example(t *testing.T, dir string) {
	p := newProject(t)
	name := filepath.Base(dir)
	if err := os.CopyFS(p.Dir, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	text := &bytes.Buffer{}
	fmt.Fprintf(text, "# Plan and push of `examples/%s`\n\nWhat the commands say, of a project in which nothing is live. Made by `go test ./e2e -run TestExamples -update`.\n", name)
	if code := p.show(t, text, "plan", p.Name, ".", "--detailed-exitcode"); code != 2 {
		t.Fatalf("plan before the push: exit code %d\n%s", code, text)
	}
	if code := p.show(t, text, "push", p.Name, "."); code != 0 {
		t.Fatalf("push: exit code %d\n%s", code, text)
	}
	if code := p.show(t, text, "plan", p.Name, ".", "--detailed-exitcode"); code != 0 {
		t.Errorf("plan after the push: exit code %d\n%s", code, text)
	}
	got := strings.ReplaceAll(text.String(), p.Name, name)
	file := filepath.Join("../docs/plans", name+".md")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what the commands say (%v):\n%s", file, err, got)
	}
}

// show runs a command as the docs show it and returns its exit code. What differs
// from one run to the next is left out: the output of tools, progress and times.
func (p project) show(t *testing.T, out *bytes.Buffer, args ...string) int {
	t.Helper()
	cmd := p.Command(args...)
	said, err := cmd.CombinedOutput()
	code := 0
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(out, "\n```console\n$ fngen %s\n", strings.Join(args, " "))
	for line := range strings.Lines(string(said)) {
		if !varying.MatchString(line) {
			out.WriteString(took.ReplaceAllString(line, ""))
		}
	}
	fmt.Fprintln(out, "```")
	return code
}

var (
	varying = regexp.MustCompile(`^  (uv|nomad|health) \| |^(rollout|route|scan|upload|compile|layer): `)
	took    = regexp.MustCompile(` \([0-9.]+s\)`)
)

// reading visits a page again and again, and the file that the page links to.
type reading struct {
	client *http.Client
	url    string
	stop   chan struct{}
	done   sync.WaitGroup

	// visits counts the pages, mixed those whose file another release sent.
	visits, mixed int
	faults        []string
}

// read is the reading of the one script that reads.
var read *reading

// pages start LABEL visits the page / whose body is the path of a file, and that
// file, each time anew; pages stop ends it, and fails if anything was not found.
func pages(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case len(args) == 2 && args[0] == "start":
		client, err := cluster.Router()
		ts.Check(err)
		client.Transport.(*http.Transport).DisableKeepAlives = true // else one instance answers all
		read = &reading{client: client, url: "https://" + args[1] + "." + os.Getenv("FNGEN_DOMAIN"), stop: make(chan struct{})}
		read.done.Go(read.visit)
		ts.Defer(read.end)
	case len(args) == 1 && args[0] == "stop":
		read.end()
		fmt.Fprintf(ts.Stdout(), "%d pages, %d with a file of another release\n", read.visits, read.mixed)
		if len(read.faults) > 0 || read.visits < 10 {
			ts.Fatalf("%d of %d pages failed:\n%s", len(read.faults), read.visits, strings.Join(read.faults, "\n"))
		}
	default:
		ts.Fatalf("usage: pages start LABEL | pages stop")
	}
}

func (r *reading) visit() {
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		r.visits++
		link, page, err := r.get("/")
		if err == nil {
			var file string
			if _, file, err = r.get(strings.TrimSpace(link)); file != page {
				r.mixed++
			}
		}
		if err != nil {
			r.faults = append(r.faults, err.Error())
		}
	}
}

// get returns what was sent, and by which release.
func (r *reading) get(path string) (body, release string, err error) {
	req, err := http.NewRequest(http.MethodGet, r.url+path, nil)
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Fngen-Probe", "1") // the instance says who it is
	resp, err := r.client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	release = resp.Header.Get("Fngen-Release")
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s of release %s: %s", path, release, resp.Status)
	}
	return string(text), release, err
}

func (r *reading) end() {
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	r.done.Wait()
}
