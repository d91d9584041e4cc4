package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/compiler/source"
)

type opener func(t *testing.T, now func() time.Time) *Store

// conformance is what a store does, whatever database it has.
func conformance(t *testing.T, open opener) {
	for name, test := range map[string]func(*testing.T, *Store, *clock){
		"accounts": testAccounts, "keys": testKeys, "deploy keys": testDeployKeys, "projects": testProjects, "trees and layers": testTrees, "contents": testContents, "sweep": testSweep, "sweep spares what is used": testSweepSpares,
		"releases": testReleases, "release numbers under contention": testReleaseNumbers, "release moves": testMoves, "interrupted releases": testInterrupted, "relocations": testRelocations, "incidents": testIncidents, "events": testEvents,
		"delete project": testDeleteProject, "variables": testVariables, "summaries": testSummaries, "audit": testAudit, "large values": testLarge, "strange text": testStrangeText,
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}
			test(t, open(t, c.now), c)
		})
	}
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
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

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	}
}

// person adds an account and returns it as the actor of its own changes.
func person(t *testing.T, s *Store, email string) Actor {
	t.Helper()
	a := must(s.CreateAccount(t.Context(), Actor{}, email))(t)
	return Actor{AccountID: a.ID, KeyID: 7, Email: a.Email, RequestID: "req-1"}
}

func testAccounts(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	b := must(s.CreateAccount(ctx, Actor{}, "b@example.com"))(t)
	a := must(s.CreateAccount(ctx, Actor{}, " A@Example.com "))(t)
	if a.Email != "a@example.com" {
		t.Errorf("email is %q", a.Email)
	}
	_, err := s.CreateAccount(ctx, Actor{}, "a@EXAMPLE.com")
	wantErr(t, err, ErrExists)
	if got := must(s.Accounts(ctx))(t); !slices.Equal(got, []Account{a, b}) {
		t.Errorf("accounts are %+v", got)
	}
	_, err = s.AccountByEmail(ctx, "c@example.com")
	wantErr(t, err, ErrNotFound)
	if want := `account "c@example.com" does not exist`; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
}

func testTrees(t *testing.T, s *Store, c *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p, q := must(s.CreateProject(ctx, a, "p"))(t), must(s.CreateProject(ctx, a, "q"))(t)
	m := source.Manifest{Files: []source.File{
		{Path: "a\nb.py", Size: 1, SHA256: strings.Repeat("0", 64)},
		{Path: "run", Executable: true, Size: 2, SHA256: strings.Repeat("1", 64)},
	}}
	for range 2 {
		if err := s.SaveTree(ctx, a, p.ID, m); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(m, must(s.Tree(ctx, p.ID, m.Digest()))(t)); diff != "" {
		t.Error(diff)
	}
	if !must(s.UseTree(ctx, p.ID, m.Digest()))(t) || must(s.UseTree(ctx, q.ID, m.Digest()))(t) {
		t.Error("UseTree is wrong")
	}
	_, err := s.Tree(ctx, q.ID, m.Digest())
	wantErr(t, err, ErrNotFound)
	testDamagedTrees(t, s, a, p, m)
	for _, l := range []Layer{{Key: "k", SHA256: "aa", Size: 1}, {Key: "k", SHA256: "bb", Size: 2}} {
		if err := s.SaveLayer(ctx, p.ID, l); err != nil {
			t.Fatal(err)
		}
		l.CreatedAt = c.at
		if got := must(s.Layer(ctx, p.ID, "k"))(t); got != l {
			t.Errorf("layer is %+v, want %+v", got, l)
		}
	}
	_, err = s.Layer(ctx, q.ID, "k")
	wantErr(t, err, ErrNotFound)
}

// testDamagedTrees holds that a manifest which is not what it was counts as not there,
// and can be saved again.
func testDamagedTrees(t *testing.T, s *Store, a Actor, p Project, m source.Manifest) {
	ctx := t.Context()
	other := must(packManifest(source.Manifest{Files: m.Files[:1]}))(t)
	for _, damaged := range [][]byte{{}, []byte("x"), other} {
		for what, read := range map[string]func() (source.Manifest, error){
			"the tree":   func() (source.Manifest, error) { return s.Tree(ctx, p.ID, m.Digest()) },
			"the latest": func() (source.Manifest, error) { return s.LatestTree(ctx, p.ID) },
		} {
			err := s.change(ctx, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `UPDATE trees SET manifest = $1`, damaged)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = read()
			wantErr(t, err, ErrNotFound)
			if must(s.UseTree(ctx, p.ID, m.Digest()))(t) {
				t.Errorf("%s, as %q, is there", what, damaged)
			}
			if err := s.SaveTree(ctx, a, p.ID, m); err != nil {
				t.Fatal(err)
			}
			if got := must(read())(t); got.Digest() != m.Digest() {
				t.Errorf("%s is %v", what, got)
			}
		}
	}
}

func testAudit(t *testing.T, s *Store, c *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	key, _, err := s.CreateKey(ctx, a, a.AccountID, "ci")
	if err != nil {
		t.Fatal(err)
	}
	p := must(s.CreateProject(ctx, a, "p"))(t)
	r := must(s.AddRelease(ctx, a, Release{ProjectID: p.ID, Tree: "sha256:x"}))(t)
	live := must(s.AddRelease(ctx, a, Release{ProjectID: p.ID, Tree: "sha256:y"}))(t)
	if err := errors.Join(
		s.SetReleaseState(ctx, a, p.ID, r.Number, Live, ""),
		s.SetReleaseState(ctx, a, p.ID, live.Number, Live, ""),
		s.SetReleaseState(ctx, a, p.ID, live.Number, Failed, "it fell"),
		s.RevokeKey(ctx, a, key.ID),
	); err != nil {
		t.Fatal(err)
	}
	// What fails or changes nothing leaves no row.
	_, err = s.CreateProject(ctx, a, "p")
	wantErr(t, err, ErrExists)
	wantErr(t, s.SetReleaseState(ctx, a, p.ID, live.Number, Live, ""), ErrState)
	if err := s.RevokeKey(ctx, a, key.ID); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.CreateProject(ended, a, "never"); err == nil {
		t.Error("a change was made for a caller that had left")
	}
	var got []string
	for _, e := range must(s.Audit(ctx, 100))(t) {
		got = append(got, fmt.Sprintf("%d %d %s %s %s %s", e.AccountID, e.KeyID, e.Action, e.Object, e.Detail, e.RequestID))
		if !e.At.Equal(c.now()) {
			t.Errorf("%s at %v", e.Action, e.At)
		}
	}
	slices.Reverse(got)
	want := []string{
		`0 0 account.create a@example.com {"id":1} `,
		`1 7 key.create 1 {"account":1,"hint":"` + key.Hint + `","label":"ci"} req-1`,
		`1 7 project.create p {"id":1} req-1`,
		`1 7 release.create 1/1 {"layer":"","tree":"sha256:x"} req-1`,
		`1 7 release.create 1/2 {"layer":"","tree":"sha256:y"} req-1`,
		`1 7 release.live 1/1 {"from":"pending","reason":"","superseded":0,"to":"live"} req-1`,
		`1 7 release.live 1/2 {"from":"pending","reason":"","superseded":1,"to":"live"} req-1`,
		`1 7 release.failed 1/2 {"from":"live","reason":"it fell","to":"failed"} req-1`,
		`1 7 key.revoke 1 {"account":1} req-1`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
