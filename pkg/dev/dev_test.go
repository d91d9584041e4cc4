package dev

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/task"
)

// patience stands for "it never ends": nothing here is as slow on any machine.
const patience = 3 * time.Minute

// TestReload saves good code, bad code, and code that does not start, under requests
// none of which fails.
func TestReload(t *testing.T) {
	s := begin(t, map[string]string{"a.py": code("one", "first"), "b.py": code("other", "second_one")})
	if status, body := s.get("localhost"); status != 200 || body != "one " {
		t.Fatalf("%d %s\n%s", status, body, s.said())
	}
	if _, body := s.get("second-one--shop.localhost:8000"); body != "other " {
		t.Errorf("the second function says %q", body)
	}
	stop := s.load()
	s.write("a.py", code("two", "first"))
	s.until("the new code", func() bool { _, body := s.get("localhost"); return body == "two " })
	s.write("a.py", "def (")
	s.until("the fault", func() bool { return strings.Contains(s.said(), "was never closed") })
	if _, body := s.get("localhost"); body != "two " {
		t.Errorf("with a fault in the code it says %q", body)
	}
	s.write("a.py", code("three", "first")+"\nraise ValueError('at import')\n")
	s.until("the failed start", func() bool { return strings.Contains(s.said(), "first did not start") })
	if _, body := s.get("localhost"); body != "two " {
		t.Errorf("with code that does not start it says %q", body)
	}
	s.write(".env", "COLOUR=red")
	s.write("a.py", code("four", "first"))
	s.until("the variable", func() bool { _, body := s.get("localhost"); return body == "four red" })
	if n, failed := stop(); n == 0 || failed != "" {
		t.Errorf("of %d requests one failed: %s", n, failed)
	}
	if !strings.Contains(s.said(), "first | loading four") {
		t.Errorf("the output is not shown:\n%s", s.said())
	}
}

// load asks without a pause until stop is called, which tells how many times, and
// what went wrong.
func (s *session) load() (stop func() (int, string)) {
	quit, result := make(chan struct{}), make(chan string, 1)
	n := 0
	go func() {
		for {
			select {
			case <-quit:
				result <- ""
				return
			default:
			}
			n++
			resp, err := http.Get("http://" + s.address + "/")
			if err != nil {
				result <- err.Error()
				return
			}
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				result <- fmt.Sprint(resp.Status, err)
				return
			}
		}
	}()
	return func() (int, string) { close(quit); failed := <-result; return n, failed }
}

// TestFirstStartFails shows why as a page, and mends itself.
func TestFirstStartFails(t *testing.T) {
	s := begin(t, map[string]string{"a.py": code("one", "first") + "\n1/0\n"})
	status, body := s.get("localhost")
	if status != 500 || !strings.Contains(body, "ZeroDivisionError") {
		t.Errorf("%d %s", status, body)
	}
	s.write("a.py", code("two", "first"))
	s.until("the mended code", func() bool { _, body := s.get("localhost"); return body == "two " })
}

// TestNothingIsLeft ends a session.
func TestNothingIsLeft(t *testing.T) {
	s := begin(t, map[string]string{"a.py": code("one", "first")})
	s.get("localhost")
	if n := len(processesIn(t, s.root)); n == 0 {
		t.Skip("no processes are to be seen here")
	}
	s.end()
	s.until("no process", func() bool { return len(processesIn(t, s.root)) == 0 })
}

// processesIn are the processes whose working directory it is.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if at, err := os.Readlink(link); err == nil && at == dir {
			out = append(out, link)
		}
	}
	return out
}

// TestKilled kills the program, which cannot do anything about it any more.
func TestKilled(t *testing.T) {
	if root := os.Getenv("FNGEN_TEST_ROOT"); root != "" {
		s := &session{t: t, root: root}
		_ = Run(t.Context(), Options{
			Root: root, Address: "127.0.0.1:0", Python: python(t), UV: uv(t), Compile: s.compile, Variables: s.variables,
			Say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }, Line: func(string, string) {}, Task: func(task.Event) {},
			Ready: func([]string, time.Duration) { fmt.Println("ready") },
		}, func(string) {})
		return
	}
	s := &session{t: t, root: t.TempDir()}
	s.write("a.py", code("one", "first")+"\nfrom fngen.powers import task_worker\n\n@task_worker()\ndef work():\n    pass\n")
	python(t)
	uv(t)
	program := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	program.Env = append(os.Environ(), "FNGEN_TEST_ROOT="+s.root)
	program.Stdout = writer(s.say)
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	s.until("it serves", func() bool { return strings.Contains(s.said(), "ready") })
	if n := len(processesIn(t, s.root)); n < 2 {
		t.Errorf("%d processes of a web app and a task worker were seen", n)
	}
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.until("no process is left", func() bool { return len(processesIn(t, s.root)) == 0 })
	_ = program.Wait()
}

type writer func(format string, args ...any)

func (w writer) Write(p []byte) (int, error) { w("%s", p); return len(p), nil }
