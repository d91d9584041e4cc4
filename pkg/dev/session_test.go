package dev

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/task"
)

// session is a run of dev over a tree of real Python.
type session struct {
	t       *testing.T
	root    string
	address string
	reload  chan struct{}
	end     func()

	mu   sync.Mutex
	talk strings.Builder
}

func (s *session) said() string { s.mu.Lock(); defer s.mu.Unlock(); return s.talk.String() }

func (s *session) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.talk, format+"\n", args...)
}

func (s *session) ready(functions []string, _ time.Duration) {
	s.say("ready: %s", strings.Join(functions, " "))
}

func (s *session) task(e task.Event) { s.say("%s %s %d", e.Function, e.State, e.Attempt) }

// write saves a file as an editor does: beside it first.
func (s *session) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.root, name)
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) compile(ctx context.Context) (Compiled, error) {
	scanned, err := source.Scan(ctx, s.root, source.Options{})
	if err != nil {
		return Compiled{}, err
	}
	project, list := compiler.Compile(ctx, compiler.Input{Tree: scanned.Tree, Project: "shop"})
	if list.HasErrors() {
		s.say("%s", list[0].Message)
		return Compiled{}, io.EOF
	}
	files := map[string]string{}
	for _, f := range scanned.Files {
		files[f.Path] = f.SHA256
	}
	return Compiled{Project: project, Files: files}, nil
}

func (s *session) variables() ([]string, error) {
	data, err := os.ReadFile(filepath.Join(s.root, ".env"))
	if err != nil {
		return nil, nil
	}
	return []string{strings.TrimSpace(string(data))}, nil
}

// get asks until ctx ends; an answer of any kind is returned.
func (s *session) get(host string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.address+"/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Host = host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// until waits for a condition.
func (s *session) until(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %s: %s\n%s", patience, what, s.said())
		}
	}
}

// begin starts a session; it is skipped where there is no uv, or no index to install
// the runtime from.
func begin(t *testing.T, files map[string]string) *session {
	t.Helper()
	s := &session{t: t, root: t.TempDir(), reload: make(chan struct{}, 1)}
	for name, text := range files {
		s.write(name, text)
	}
	s.run()
	return s
}

// run runs dev until end is called.
func (s *session) run() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	ended, listening := make(chan error, 1), make(chan string, 1)
	go func() {
		ended <- Run(ctx, Options{
			Root: s.root, Address: "127.0.0.1:0", Python: python(s.t), UV: uv(s.t), Compile: s.compile, Variables: s.variables,
			Say: s.say, Line: func(function, line string) { s.say("%s | %s", function, line) },
			Task: s.task, Fast: true, Ready: s.ready, Reload: s.reload,
		}, func(address string) { listening <- address })
	}()
	s.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("dev ended with %v", err)
		}
	})
	s.t.Cleanup(s.end)
	s.address = <-listening
}

func uv(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("UV"); path != "" {
		return path
	}
	if path, err := exec.LookPath("uv"); err == nil {
		return path
	}
	// Where the one-machine cluster keeps its own.
	cache, _ := os.UserCacheDir()
	found, _ := filepath.Glob(filepath.Join(cache, "fngen", "uv-*", "bin", "uv"))
	if len(found) == 0 {
		t.Skip("there is no uv")
	}
	return found[0]
}

func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	return path
}

const app = `
import os
from fngen.powers import webapp

print("loading %s")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%s " + os.environ.get("COLOUR", "").encode()})

@webapp(framework="asgi")
def %s():
    return app
`

func code(says, function string) string { return fmt.Sprintf(app, says, says, function) }
