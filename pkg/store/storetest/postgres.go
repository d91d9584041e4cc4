//go:build unix

// Package storetest starts a PostgreSQL of the distribution's for tests: the store
// behaves in it as it does in SQLite only if a real server says so.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// upLimit stands for "it never comes up".
const upLimit = 2 * time.Minute

// Postgres is a server that listens at a socket in a directory of the test, and ends
// with the test.
type Postgres struct {
	bin, dir string
	cmd      *exec.Cmd
	ended    chan struct{}
	made     atomic.Int32
}

// Start starts a server. The test is skipped where PostgreSQL is not installed.
func Start(t *testing.T) *Postgres {
	t.Helper()
	p := &Postgres{bin: binaries(t), dir: t.TempDir()}
	if err := giveAway(p.dir); err != nil {
		t.Fatal(err)
	}
	init := p.command("initdb", "--pgdata", p.data(), "--username", "fngen", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("run initdb: %v\n%s", err, out)
	}
	t.Cleanup(func() { p.end(os.Interrupt) })
	p.Run(t)
	return p
}

// binaries is where the distribution's package has put the server.
func binaries(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Skip("PostgreSQL is not installed: apt-get install postgresql, or make up")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1])
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// Run starts the server, and returns when it answers.
func (p *Postgres) Run(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd = p.command("postgres", "-D", p.data(), "-k", p.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50")
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.ended = make(chan struct{})
	if err := runChild(p.cmd, p.ended); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(upLimit)
	for {
		if err = p.exec("postgres", "SELECT 1"); err == nil {
			return
		}
		select {
		case <-p.ended:
			err = fmt.Errorf("it has ended: %w", err)
			deadline = time.Time{}
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("PostgreSQL does not answer: %v\n%s", err, said)
		}
	}
}

// Kill ends the server and all of its processes as the death of a machine would. Those
// of its connections would go on for a moment without it.
func (p *Postgres) Kill(t *testing.T) {
	t.Helper()
	connections := children(p.cmd.Process.Pid)
	p.end(os.Kill)
	for _, pid := range connections {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
	for deadline := time.Now().Add(upLimit); slices.ContainsFunc(connections, alive); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("processes of PostgreSQL do not end")
		}
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func (p *Postgres) end(signal os.Signal) {
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(signal) // it may have ended
		<-p.ended
	}
}

// Database makes an empty database and returns its URL.
func (p *Postgres) Database(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("test%d", p.made.Add(1))
	if err := p.exec("postgres", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return p.url(name)
}

func (p *Postgres) url(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: url.Values{"host": {p.dir}, "user": {"fngen"}}.Encode()}
	return u.String()
}

// Drop ends what clients of a database do on the server, as an operator would.
func (p *Postgres) Drop(t *testing.T, database string) {
	t.Helper()
	name := strings.TrimPrefix(must(url.Parse(database))(t).Path, "/")
	if err := p.exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name); err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (p *Postgres) exec(database, statement string, args ...any) error {
	db, err := sql.Open("pgx", p.url(database))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), upLimit)
	defer cancel()
	if _, err := db.ExecContext(ctx, statement, args...); err != nil {
		return fmt.Errorf("run %s: %w", statement, err)
	}
	return nil
}
