package console

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/task"
	"fngen.dev/fngen/pkg/term"
)

var shop = &ir.Project{
	Name: "shop",
	Functions: []ir.Function{
		{Name: "site", Power: ir.PowerWebApp, WebApp: &ir.WebApp{Hosts: []string{"shop", "site--shop"}}},
		{Name: "pack", Power: ir.PowerTaskWorker, TaskWorker: &ir.TaskWorker{}},
	},
	Env: []ir.EnvName{
		{Name: "KEY", Required: true, Places: []ir.EnvPlace{{File: "a.py", Line: 3}}},
		{Name: "MODE", Places: []ir.EnvPlace{{File: "a.py", Line: 4}}},
		{Name: "SET", Required: true, Places: []ir.EnvPlace{{File: "a.py", Line: 5}}},
	},
}

// session is what a run tells, some of it twice.
func session(c *Console) {
	c.Listening("127.0.0.1:8000")
	at := time.Unix(100, 0)
	for range 2 {
		c.Diagnostics(diag.List{{Code: "FN1", Severity: diag.Warning, Message: "odd", File: "a.py", Line: 1, Notes: []diag.Note{}}})
		c.Introduce(shop)
		c.Unset(shop, []string{"SET="})
	}
	c.Ready([]string{"site", "pack"}, 610*time.Millisecond)
	c.Line("site", "hello \x1b[2J")
	c.Task(task.Event{ID: "1", Function: "pack", Attempt: 1, State: task.Retrying, Error: &task.Error{Reason: task.ReasonException, Type: "ValueError", Message: "no\nmore"}, At: at, NextAt: at.Add(2 * time.Second)})
	c.Task(task.Event{ID: "1", Function: "pack", Attempt: 2, State: task.Succeeded, StartedAt: at, At: at.Add(500 * time.Millisecond)})
	c.Say("bye")
}

func TestText(t *testing.T) {
	var out, talk bytes.Buffer
	session(New(&term.IO{Out: &out, Err: &talk}, false))
	if out.String() != "http://localhost:8000\n" {
		t.Errorf("the result is %q", out.String())
	}
	want := differs + ` Ctrl-C ends it.
a.py:1: warning[FN1]: odd
site: http://site--shop.localhost:8000
pack: fngen run_task --dev pack PAYLOAD
warning: KEY is not set, and the code needs it: a.py:3
warning: not set, and read by the code: MODE (a.py:4)
ready after 0.61 s: site, pack
site | hello \x1b[2J
pack | task 1 retrying: ValueError: no; attempt 2 in 2 s
pack | task 1 succeeded after 0.50 s
bye
`
	if diff := cmp.Diff(want, talk.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestJSON(t *testing.T) {
	var out, talk bytes.Buffer
	session(New(&term.IO{Out: &out, Err: &talk}, true))
	if talk.Len() > 0 {
		t.Errorf("beside the result: %s", talk.String())
	}
	want := `{"differs":"` + differs + `","event":"listening","url":"http://localhost:8000"}
{"diagnostics":[{"code":"FN1","severity":"warning","message":"odd","file":"a.py","line":1,"column":0,"notes":[],"help":""}],"event":"diagnostics"}
{"event":"function","function":"site","power":"webapp","url":"http://site--shop.localhost:8000"}
{"event":"function","function":"pack","power":"task_worker"}
{"event":"unset","file":"a.py","line":3,"name":"KEY","required":true}
{"event":"unset","file":"a.py","line":4,"name":"MODE","required":false}
{"event":"ready","functions":["site","pack"],"seconds":0.61}
{"event":"line","function":"site","line":"hello \u001b[2J"}
{"attempt":1,"error":{"reason":"exception","type":"ValueError","message":"no\nmore"},"event":"task","function":"pack","id":"1","state":"retrying"}
{"attempt":2,"error":null,"event":"task","function":"pack","id":"1","state":"succeeded"}
{"event":"message","text":"bye"}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestPress does what each key says.
func TestPress(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/.fngen/tasks?limit=10" {
			t.Errorf("asked for %s", r.URL)
		}
		_, _ = w.Write([]byte(`[{"id": "7", "function": "pack", "state": "dead", "error": {"reason": "crashed", "message": "boom"}}]`))
	}))
	defer server.Close()
	dir := t.TempDir()
	opened := filepath.Join(dir, "opened")
	browser := filepath.Join(dir, "browser")
	if err := os.WriteFile(browser, []byte("#!/bin/sh\nprintf %s \"$1\" > "+opened+".part && mv "+opened+".part "+opened+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var talk bytes.Buffer
	c := New(&term.IO{Out: &talk, Err: &talk}, false)
	c.url = server.URL
	did := ""
	k := Keys{Reload: func() { did += "reload " }, Quit: func() { did += "quit " }, Browser: browser}
	for _, key := range "rxtqo" {
		c.press(t.Context(), byte(key), k)
	}
	if did != "reload quit " {
		t.Errorf("it did %q", did)
	}
	if text := talk.String(); !strings.Contains(text, "dead") || !strings.Contains(text, "crashed: boom") || !strings.Contains(text, "opening "+server.URL) {
		t.Errorf("the tasks are not shown:\n%s", text)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if at, err := os.ReadFile(opened); err == nil {
			if string(at) != server.URL {
				t.Errorf("%q was opened", at)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no browser was opened")
		}
	}
}

func TestLevels(t *testing.T) {
	for line, want := range map[string]term.Style{"ERROR:root:x": term.Red, "2026 WARNING y": term.Yellow, "INFO: ERROR": "", "no Errors": "", "[DEBUG] z": term.Dim} {
		if got := levelOf(line); got != want {
			t.Errorf("%q is shown in %q, want %q", line, got, want)
		}
	}
}
