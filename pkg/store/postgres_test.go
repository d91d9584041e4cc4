//go:build unix

package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/store/postgres"
	"fngen.dev/fngen/pkg/store/storetest"
)

// neverEnds stands for "it never ends".
const neverEnds = 2 * time.Minute

func openIn(t *testing.T, database string) *Store {
	t.Helper()
	s := must(Open(t.Context(), database, postgres.Engine))(t)
	t.Cleanup(func() { _ = s.Close() }) // some have lost their server
	return s
}

// TestPostgres runs the suite that every database has to pass, and what can only
// happen to one that is a server.
func TestPostgres(t *testing.T) {
	server := storetest.Start(t)
	conformance(t, func(t *testing.T, now func() time.Time) *Store {
		s := openIn(t, server.Database(t))
		s.now = now
		return s
	})
	for name, test := range map[string]func(*testing.T, *storetest.Postgres){
		"two control planes": testTwoPlanes, "first opened by several": testFirstOpened, "connection broken": testBroken,
		"same columns": testSameColumns, "audit is append-only": testPostgresAudit, "killed": testKilled,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

// testTwoPlanes has two stores number and move releases of one project at once.
func testTwoPlanes(t *testing.T, server *storetest.Postgres) {
	database := server.Database(t)
	planes := []*Store{openIn(t, database), openIn(t, database)}
	a := person(t, planes[0], "a@example.com")
	p := must(planes[0].CreateProject(t.Context(), a, "p"))(t)
	const each = 15
	var wg sync.WaitGroup
	for _, s := range planes {
		wg.Go(func() {
			for range each {
				r, err := s.AddRelease(t.Context(), a, Release{ProjectID: p.ID})
				if err == nil {
					err = s.SetReleaseState(t.Context(), a, p.ID, r.Number, Live, "")
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all := must(planes[0].Releases(t.Context(), p.ID))(t)
	live := slices.DeleteFunc(slices.Clone(all), func(r Release) bool { return r.State != Live })
	if len(all) != 2*each || all[0].Number != 2*each || len(live) != 1 {
		t.Errorf("%d releases up to %d, %d of them live", len(all), all[0].Number, len(live))
	}
}

func testFirstOpened(t *testing.T, server *storetest.Postgres) {
	database := server.Database(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := Open(t.Context(), database, postgres.Engine)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// testBroken breaks all connections in the middle of a change: the caller hears of it,
// nothing of the change is there, and the store goes on with others.
func testBroken(t *testing.T, server *storetest.Postgres) {
	database := server.Database(t)
	s := openIn(t, database)
	a := person(t, s, "a@example.com")
	err := s.change(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(t.Context(), `INSERT INTO projects (account_id, name, created_at) VALUES ($1, 'half', 0)`, a.AccountID); err != nil {
			t.Error(err)
		}
		server.Drop(t, database)
		return s.audit(t.Context(), tx, a, "project.create", "half", nil)
	})
	if err == nil {
		t.Error("a change on a connection that broke was made")
	}
	eventually(t, func() error { _, err := s.CreateProject(t.Context(), a, "whole"); return err })
	if got := must(s.AllProjects(t.Context()))(t); len(got) != 1 || got[0].Name != "whole" {
		t.Errorf("projects are %+v", got)
	}
}

// testKilled kills a server and starts it again.
func testKilled(t *testing.T, _ *storetest.Postgres) {
	server := storetest.Start(t)
	s := openIn(t, server.Database(t))
	a := person(t, s, "a@example.com")
	server.Kill(t)
	if _, err := s.CreateProject(t.Context(), a, "lost"); err == nil {
		t.Error("a change was made without a server")
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("a server that was killed answers")
	}
	server.Run(t)
	eventually(t, func() error { return s.Ping(t.Context()) })
	eventually(t, func() error { _, err := s.CreateProject(t.Context(), a, "kept"); return err })
	if got := must(s.AccountByEmail(t.Context(), "a@example.com"))(t); got.ID != a.AccountID {
		t.Errorf("the account is %+v", got)
	}
}

// eventually waits until something works: a pool finds out about a lost connection
// when it uses it.
func eventually(t *testing.T, do func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), neverEnds)
	defer cancel()
	for {
		err := do()
		if err == nil || errors.Is(err, ErrExists) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func testPostgresAudit(t *testing.T, server *storetest.Postgres) {
	s := openIn(t, server.Database(t))
	person(t, s, "a@example.com")
	for _, q := range []string{`DELETE FROM audit`, `UPDATE audit SET action = 'x'`, `TRUNCATE audit`} {
		if _, err := s.write.Exec(q); err == nil {
			t.Errorf("%s was allowed", q)
		}
	}
}

// testLarge holds that what a release keeps may be large, and is bytes.
func testLarge(t *testing.T, s *Store, _ *clock) {
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(t.Context(), a, "p"))(t)
	large := bytes.Repeat([]byte("\x00\xff line\n"), 5<<20/8)
	r := must(s.AddRelease(t.Context(), a, Release{ProjectID: p.ID, IR: large, Jobs: large}))(t)
	got := must(s.Release(t.Context(), p.ID, r.Number))(t)
	if !bytes.Equal(got.IR, large) || !bytes.Equal(got.Jobs, large) {
		t.Error("large values are not what they were")
	}
}

// testStrangeText holds that words of programs do not keep a release from failing:
// PostgreSQL takes neither the character NUL nor what is not UTF-8.
func testStrangeText(t *testing.T, s *Store, _ *clock) {
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(t.Context(), a, "p"))(t)
	r := must(s.AddRelease(t.Context(), a, Release{ProjectID: p.ID}))(t)
	if err := s.SetReleaseState(t.Context(), a, p.ID, r.Number, Failed, "it said \x00 and \xff\u00e9"); err != nil {
		t.Fatal(err)
	}
	if got := must(s.Release(t.Context(), p.ID, r.Number))(t).Reason; got != "it said \ufffd and \ufffd\u00e9" {
		t.Errorf("the reason is %q", got)
	}
	if _, _, err := s.CreateKey(t.Context(), a, a.AccountID, "my\x00 laptop"); err != nil {
		t.Error(err)
	}
}

// TestNoPasswordInErrors opens what cannot be opened.
func TestNoPasswordInErrors(t *testing.T) {
	const secret = "hunter2-hunter2"
	for _, url := range []string{
		"postgres://fngen:%s@127.0.0.1:1/fngen?connect_timeout=1",
		"postgres://fngen:%s@127.0.0.1:1/fngen?sslmode=nonsense",
		"postgres://fngen:%s@127.0.0.1:port/fngen",
		"postgres://fngen:%s#@127.0.0.1/fngen",
		"postgres://fngen:%%zz%s@127.0.0.1/fngen",
		"postgres://fngen:/%s@127.0.0.1/fngen",
		"postgres://fngen:1/%s@127.0.0.1/fngen",
		"postgres://fngen:1#%s@127.0.0.1/fngen",
		"postgres://fngen:?%s@127.0.0.1/fngen?connect_timeout=1",
		"postgres://127.0.0.1:1/fngen?password=%s&connect_timeout=1",
		"postgres://fngen:%s@127.0.0.1:1/fngen?sslrootcert=/not/there&sslmode=verify-full",
		"postgresql://fngen:%s@[::1/fngen",
	} {
		s, err := Open(t.Context(), fmt.Sprintf(url, secret), postgres.Engine)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s was opened", url)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows it: %v", url, err)
		}
	}
}
