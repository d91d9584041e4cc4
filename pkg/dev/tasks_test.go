package dev

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

const workers = `
import os
import time
from fngen import platform
from fngen.powers import task_worker, webapp

print("importing %s")

@task_worker(retries=1)
def add(a: int, b: int = 1):
    print("adding", a)
    if a < 0:
        raise ValueError("below zero")
    return {"sum": a + b, "by": "%s"}

@task_worker(concurrency=4)
async def later(name: str):
    return name.upper()

@task_worker(timeout="1s", retries=0)
def slow():
    time.sleep(600)

@task_worker(retries=0)
def dies():
    print("last words", flush=True)
    os._exit(3)

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    task = platform.run_task(os.environ["FNGEN_PROJECT"], "add", {"a": 20})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": task.id.encode()})

@webapp(framework="asgi")
def site():
    return app
`

func workersOf(version string) string { return strings.ReplaceAll(workers, "%s", version) }

// ask asks the door of tasks, and reads what it says.
func (s *session) ask(method, path, body string) (int, map[string]any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.address+"/.fngen/tasks"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	out := map[string]any{}
	if err != nil || json.Unmarshal(data, &out) != nil {
		s.t.Fatalf("%s %s: %v %s", method, path, err, data)
	}
	return resp.StatusCode, out
}

// ended runs a task, and waits for its end.
func (s *session) ended(function, payload string) map[string]any {
	s.t.Helper()
	_, out := s.ask("POST", "/"+function, payload)
	return s.endOf(out)
}

func (s *session) endOf(out map[string]any) map[string]any {
	s.t.Helper()
	id := fmt.Sprint(out["id"])
	s.until("the end of a task", func() bool {
		_, out = s.ask("GET", "/"+id+"?wait=20", "")
		state := out["state"]
		return state == "succeeded" || state == "failed" || state == "dead"
	})
	return out
}

// field is one below the top.
func field(out map[string]any, outer, inner string) any {
	below, _ := out[outer].(map[string]any)
	return below[inner]
}

// TestTasks runs tasks to each of their ends.
func TestTasks(t *testing.T) {
	s := begin(t, map[string]string{"a.py": workersOf("one")})
	if out := s.ended("add", `{"a": "41"}`); out["state"] != "succeeded" || field(out, "result", "sum") != 42.0 || out["attempts"] != 1.0 {
		t.Errorf("a sum: %v", out)
	}
	if out := s.ended("later", `"aang"`); out["result"] != "AANG" {
		t.Errorf("an async one: %v", out)
	}
	if out := s.ended("add", `{"a": -1}`); out["state"] != "dead" || out["attempts"] != 2.0 || field(out, "error", "type") != "ValueError" || out["retryable"] != true {
		t.Errorf("one that fails: %v", out)
	}
	if out := s.ended("slow", ""); out["state"] != "dead" || field(out, "error", "reason") != "timed_out" {
		t.Errorf("a slow one: %v", out)
	}
	if out := s.ended("dies", ""); out["state"] != "dead" || field(out, "error", "reason") != "crashed" || !strings.Contains(field(out, "error", "output").(string), "last words") {
		t.Errorf("one that dies: %v", out)
	}
	status, out := s.ask("POST", "/add", `{"a": "x", "c": 1}`)
	if faults, _ := out["faults"].([]any); status != 422 || len(faults) != 2 {
		t.Errorf("a bad payload: %d %v", status, out)
	}
	if status, out := s.ask("POST", "/ad", `{}`); status != 404 || !strings.Contains(out["help"].(string), `"add"`) {
		t.Errorf("an unknown function: %d %v", status, out)
	}
	if status, _ := s.ask("POST", "/site", `{}`); status != 404 {
		t.Errorf("a web app takes a task: %d", status)
	}
	if out := s.ended("later", `"`+strings.Repeat("x", 2<<20)+`"`); out["state"] != "failed" || field(out, "error", "reason") != "bad_result" {
		t.Errorf("a large one: %v", out)
	}
	_, id := s.get("localhost")
	if out := s.endOf(map[string]any{"id": id}); field(out, "result", "sum") != 21.0 {
		t.Errorf("one of the code: %v\n%s", out, s.said())
	}
	if !strings.Contains(s.said(), "add | adding 41") {
		t.Errorf("what a task prints is not shown:\n%s", s.said())
	}
}

const waiting = `
import os, time
from fngen.powers import task_worker

@task_worker()
def wait(path: str):
    while not os.path.exists(path):
        time.sleep(0.01)
    return "%s"
`

// TestTasksOverReload saves new code while a task runs, and ends in the middle of one.
func TestTasksOverReload(t *testing.T) {
	s := begin(t, map[string]string{"a.py": strings.ReplaceAll(waiting, "%s", "old")})
	gate := t.TempDir() + "/gate"
	_, first := s.ask("POST", "/wait", `"`+gate+`"`)
	s.until("it runs", func() bool { return strings.Contains(s.said(), "wait running 1") })
	s.write("a.py", strings.ReplaceAll(waiting, "%s", "new"))
	s.until("the new code", func() bool { return strings.Count(s.said(), "ready:") == 2 })
	_, second := s.ask("POST", "/wait", `"`+gate+`"`)
	s.until("both run", func() bool { return strings.Count(s.said(), "wait running 1") == 2 })
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a, b := s.endOf(first)["result"], s.endOf(second)["result"]; a != "old" || b != "new" {
		t.Errorf("they say %v and %v", a, b)
	}
	if n := len(processesIn(t, s.root)); n > 1 {
		s.until("the old process ends", func() bool { return len(processesIn(t, s.root)) == 1 })
	}
}

// TestTasksGoOn ends a run in the middle of a task, which the next run begins anew.
func TestTasksGoOn(t *testing.T) {
	gate := t.TempDir() + "/gate"
	s := begin(t, map[string]string{"a.py": strings.ReplaceAll(waiting, "%s", "done")})
	_, first := s.ask("POST", "/wait", `"`+gate+`"`)
	s.until("it runs", func() bool { return strings.Contains(s.said(), "wait running 1") })
	s.end()
	s.until("no process", func() bool { return len(processesIn(t, s.root)) == 0 })
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.run()
	if out := s.endOf(first); out["result"] != "done" || out["attempts"] != 1.0 {
		t.Errorf("%v\n%s", out, s.said())
	}
}

// TestTasksCancelled ends a task that runs, and one that waits.
func TestTasksCancelled(t *testing.T) {
	s := begin(t, map[string]string{"a.py": strings.ReplaceAll(waiting, "%s", "done")})
	_, first := s.ask("POST", "/wait", `"/nowhere/ever"`)
	_, second := s.ask("POST", "/wait", `"/nowhere/ever"`)
	s.until("it runs", func() bool { return strings.Contains(s.said(), "wait running 1") })
	for _, out := range []map[string]any{second, first} {
		s.ask("POST", "/"+out["id"].(string)+"/cancel", "")
		if out := s.endOf(out); out["state"] != "failed" || field(out, "error", "reason") != "cancelled" {
			t.Errorf("%v", out)
		}
	}
}

// TestTasksAreOfThisMachine refuses what a page of another site sends.
func TestTasksAreOfThisMachine(t *testing.T) {
	s := begin(t, map[string]string{"a.py": strings.ReplaceAll(waiting, "%s", "done")})
	for _, c := range []struct{ host, origin, kind string }{
		{"evil.example", "", "application/json"}, {"localhost", "http://evil.example", "application/json"}, {"localhost", "", "text/plain"},
		{"localhost", "null", "application/json"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.address+"/.fngen/tasks/wait", strings.NewReader(`"/"`))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		req.Header.Set("Content-Type", c.kind)
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode < 400 || resp.StatusCode >= 500 {
			t.Errorf("%v: %s", c, resp.Status)
		}
	}
}
