//go:build linux

package e2e

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/pkg/store/storetest"
)

// notebook keeps notes in the database of DATABASE_URL.
const notebook = `import os
from urllib.parse import urlsplit

import pg8000.native


def run(statement, **values):
    at = urlsplit(os.environ["DATABASE_URL"])
    connection = pg8000.native.Connection(at.username, host=at.hostname, port=at.port, database=at.path[1:])
    try:
        return connection.run(statement, **values)
    finally:
        connection.close()


def write(text):
    run("INSERT INTO notes (text) VALUES (:text)", text=text)


def read():
    return [row[0] for row in run("SELECT text FROM notes ORDER BY id")]


if __name__ == "__main__":
    run("CREATE TABLE IF NOT EXISTS notes (id SERIAL PRIMARY KEY, text TEXT NOT NULL)")
    print("the table is there")
`

const notebookApp = `from fastapi import FastAPI

import notebook
from fngen.powers import task_worker, webapp

app = FastAPI()


@app.get("/")
def index():
    return notebook.read()


@app.get("/write")
def write(text: str):
    notebook.write(text)
    return "ok"


@webapp(framework="fastapi")
def live_app():
    return app


@task_worker
def later(text: str) -> int:
    notebook.write(text)
    return len(notebook.read())
`

// TestDatabase has a project keep what it has in a PostgreSQL of the distribution's, at
// another host: its release command makes the table, its web app writes and reads, and so
// does a task.
func TestDatabase(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east xl")
	p := newProject(t)
	p.Write(t, "notebook.py", notebook)
	p.Write(t, "app.py", notebookApp)
	p.Write(t, "requirements.txt", "fastapi\npg8000\n")
	p.Write(t, "fngen.yml", e2etest.OnServers("xl", "us-east", 1)+"functions:\n  live_app: {release: python notebook.py}\n")
	p.set(t, "DATABASE_URL="+database(t)+"\n")
	if talk := p.pushed(t); !strings.Contains(talk, "the table is there") {
		t.Errorf("the release command did not say so:\n%s", talk)
	}
	p.Get(t, "/write?text=by+the+app", nil, new(string))
	if got := strings.TrimSpace(p.Run(t, "run_task", "--wait", p.Name, "later", `{"text": "by a task"}`)); got != "2" {
		t.Errorf("the task has read %s notes", got)
	}
	var notes []string
	p.Get(t, "/", nil, &notes)
	if got := strings.Join(notes, ", "); got != "by the app, by a task" {
		t.Errorf("the notes are %q", got)
	}
	p.Write(t, "app.py", notebookApp+"# once more\n")
	p.pushed(t)
	p.Get(t, "/", nil, &notes)
	if len(notes) != 2 {
		t.Errorf("after another push the notes are %q", notes)
	}
}

// pushed pushes and returns what that said.
func (p project) pushed(t *testing.T) string {
	t.Helper()
	out, err := p.Command("push", p.Name, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("push: %v\n%s", err, out)
	}
	return string(out)
}

// database is the URL of a new database, at a host that functions reach.
func database(t *testing.T) string {
	t.Helper()
	here, err := url.Parse(storetest.Start(t).Database(t))
	check(t, err)
	sockets, err := filepath.Glob(filepath.Join(here.Query().Get("host"), ".s.PGSQL.*[0-9]"))
	check(t, err)
	if len(sockets) != 1 {
		t.Fatalf("PostgreSQL has the sockets %v", sockets)
	}
	door := elsewhere(t)
	t.Cleanup(func() { _ = door.Close() })
	go func() {
		for {
			outside, err := door.Accept()
			if err != nil {
				return // the test has ended
			}
			go connect(outside, sockets[0])
		}
	}()
	return (&url.URL{Scheme: "postgres", User: url.User(here.Query().Get("user")), Host: door.Addr().String(), Path: here.Path}).String()
}

// connect joins a connection to the server behind a socket, until either side ends it.
func connect(outside net.Conn, socket string) {
	defer outside.Close()
	inside, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer inside.Close()
	go func() {
		_, _ = io.Copy(inside, outside)
		_ = inside.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(outside, inside)
}
