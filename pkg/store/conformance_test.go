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
	"fngen.dev/fngen/pkg/api"
)

type opener func(t *testing.T, now func() time.Time) *Store

// conformance is what a store does, whatever database it has.
func conformance(t *testing.T, open opener) {
	for name, test := range map[string]func(*testing.T, *Store, *clock){
		"accounts": testAccounts, "keys": testKeys, "deploy keys": testDeployKeys, "projects": testProjects, "trees and layers": testTrees, "contents": testContents, "sweep": testSweep, "sweep spares what is used": testSweepSpares,
		"releases": testReleases, "release numbers under contention": testReleaseNumbers, "release moves": testMoves, "interrupted releases": testInterrupted, "relocations": testRelocations,
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

func testKeys(t *testing.T, s *Store, c *clock) {
	ctx := t.Context()
	who := person(t, s, "a@example.com")
	key, secret, err := s.CreateKey(ctx, who, who.AccountID, "laptop")
	if err != nil {
		t.Fatal(err)
	}
	if err := api.ParseKey(secret.Reveal()); err != nil {
		t.Fatal(err)
	}
	got := must(s.Authenticate(ctx, secret.Reveal()))(t)
	if want := (Actor{AccountID: who.AccountID, KeyID: key.ID, Email: "a@example.com", Scope: api.ScopeAccount}); got != want {
		t.Errorf("actor is %+v, want %+v", got, want)
	}
	used := func() time.Time { return must(s.Keys(ctx, who.AccountID))(t)[0].LastUsed }
	first := used()
	if !first.Equal(c.now()) {
		t.Errorf("last used %v, want %v", first, c.now())
	}
	c.pass(59 * time.Second)
	must(s.Authenticate(ctx, secret.Reveal()))(t)
	if !used().Equal(first) {
		t.Error("last use was written again within a minute")
	}
	c.pass(time.Second)
	must(s.Authenticate(ctx, secret.Reveal()))(t)
	if !used().Equal(c.now()) {
		t.Error("last use was not written after a minute")
	}
	for _, bad := range []string{"", "x", secret.Reveal() + "x", newKey().Reveal()} {
		_, err := s.Authenticate(ctx, bad)
		wantErr(t, err, ErrUnauthenticated)
	}
	if err := s.RevokeKey(ctx, who, key.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeKey(ctx, who, key.ID); err != nil {
		t.Errorf("revoking twice: %v", err)
	}
	_, err = s.Authenticate(ctx, secret.Reveal())
	wantErr(t, err, ErrUnauthenticated)
	wantErr(t, s.RevokeKey(ctx, who, 999), ErrNotFound)
	if _, _, err := s.CreateKey(ctx, who, 999, ""); err == nil {
		t.Error("a key was made for an account that is not there")
	}
}

func testProjects(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a, b := person(t, s, "a@example.com"), person(t, s, "b@example.com")
	shop := must(s.CreateProject(ctx, a, "shop"))(t)
	backend := must(s.CreateProject(ctx, a, "backend"))(t)
	blog := must(s.CreateProject(ctx, b, "blog"))(t)
	_, err := s.CreateProject(ctx, b, "shop")
	wantErr(t, err, ErrExists)
	_, err = s.Project(ctx, b.AccountID, "shop")
	wantErr(t, err, ErrNotFound)
	if got := must(s.Project(ctx, a.AccountID, "shop"))(t); got != shop {
		t.Errorf("project is %+v, want %+v", got, shop)
	}
	if got := must(s.ProjectByName(ctx, "blog"))(t); got != blog {
		t.Errorf("project is %+v, want %+v", got, blog)
	}
	if got := must(s.Projects(ctx, a.AccountID))(t); !slices.Equal(got, []Project{backend, shop}) {
		t.Errorf("projects are %+v", got)
	}
	if got := must(s.AllProjects(ctx))(t); !slices.Equal(got, []Project{backend, blog, shop}) {
		t.Errorf("all projects are %+v", got)
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

func testReleases(t *testing.T, s *Store, c *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(ctx, a, "p"))(t)
	_, err := s.LiveRelease(ctx, p.ID)
	wantErr(t, err, ErrNotFound)
	in := Release{ProjectID: p.ID, Tree: "sha256:x", Entry: "a.py", Layer: "k", EnvVersion: 3, IR: []byte(`{"a":1}`), Jobs: []byte(`[]`)}
	first := must(s.AddRelease(ctx, a, in))(t)
	want := in
	want.Number, want.State, want.By, want.CreatedAt = 1, Pending, "a@example.com", c.now()
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, must(s.Release(ctx, p.ID, 1))(t)); diff != "" {
		t.Error(diff)
	}
	second := must(s.AddRelease(ctx, a, in))(t)
	if got := numbers(must(s.UnfinishedReleases(ctx))(t)); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("unfinished are %v", got)
	}
	for _, r := range []Release{first, second} {
		if err := s.SetReleaseState(ctx, a, p.ID, r.Number, Live, ""); err != nil {
			t.Fatal(err)
		}
		if got := must(s.LiveRelease(ctx, p.ID))(t); got.Number != r.Number || !got.LiveAt.Equal(c.now()) {
			t.Errorf("release %d is live since %v, want %d", got.Number, got.LiveAt, r.Number)
		}
	}
	if got := must(s.Release(ctx, p.ID, 1))(t); got.State != Superseded {
		t.Errorf("release 1 is %s", got.State)
	}
	if got := must(s.NextRelease(ctx, p.ID))(t); got != 3 {
		t.Errorf("the next release is %d", got)
	}
	if got := numbers(must(s.Releases(ctx, p.ID))(t)); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("releases are %v", got)
	}
}

func numbers(rs []Release) []int {
	out := []int{}
	for _, r := range rs {
		out = append(out, r.Number)
	}
	return out
}

func testReleaseNumbers(t *testing.T, s *Store, _ *clock) {
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(t.Context(), a, "p"))(t)
	const pushes = 20
	got := make([]int, pushes)
	var wg sync.WaitGroup
	for i := range pushes {
		wg.Go(func() {
			r, err := s.AddRelease(t.Context(), a, Release{ProjectID: p.ID})
			if err != nil {
				t.Error(err)
			}
			got[i] = r.Number
			if err := s.SetReleaseState(t.Context(), a, p.ID, r.Number, Live, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	slices.Sort(got)
	for i, n := range got {
		if n != i+1 {
			t.Fatalf("numbers are %v", got)
		}
	}
	live := 0
	for _, r := range must(s.Releases(t.Context(), p.ID))(t) {
		if r.State == Live {
			live++
		}
	}
	if live != 1 {
		t.Errorf("%d releases are live", live)
	}
}

func testMoves(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	legal := map[string]bool{
		"pending live": true, "pending failed": true, "pending superseded": true,
		"live superseded": true, "live failed": true, "superseded pending": true,
		"pending interrupted": true, "interrupted failed": true, "interrupted superseded": true,
	}
	states := []ReleaseState{Pending, Interrupted, Live, Failed, Superseded}
	for _, from := range states {
		for _, to := range states {
			p := must(s.CreateProject(ctx, a, string(from)+"-"+string(to)))(t)
			r := must(s.AddRelease(ctx, a, Release{ProjectID: p.ID}))(t)
			if err := s.SetReleaseState(ctx, a, p.ID, r.Number, from, ""); err != nil {
				t.Fatal(err)
			}
			err := s.SetReleaseState(ctx, a, p.ID, r.Number, to, "why")
			want := from == to || legal[fmt.Sprintf("%s %s", from, to)]
			if (err == nil) != want || err != nil && !errors.Is(err, ErrState) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
	wantErr(t, s.SetReleaseState(ctx, a, 1, 99, Live, ""), ErrNotFound)
}

// testInterrupted holds that an interrupted release stays known as unfinished, with
// the newest reason, until it is undone.
func testInterrupted(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(ctx, a, "p"))(t)
	r := must(s.AddRelease(ctx, a, Release{ProjectID: p.ID}))(t)
	for _, reason := range []string{"no leader", "no room"} {
		if err := s.SetReleaseState(ctx, a, p.ID, r.Number, Interrupted, reason); err != nil {
			t.Fatal(err)
		}
		left := must(s.UnfinishedReleases(ctx))(t)
		if len(left) != 1 || left[0].State != Interrupted || left[0].Reason != reason {
			t.Errorf("unfinished are %+v, want one because of %q", left, reason)
		}
	}
	if err := s.SetReleaseState(ctx, a, p.ID, r.Number, Failed, "undone"); err != nil {
		t.Fatal(err)
	}
	if left := must(s.UnfinishedReleases(ctx))(t); len(left) != 0 {
		t.Errorf("unfinished are %+v", left)
	}
}

func testDeleteProject(t *testing.T, s *Store, _ *clock) {
	ctx := t.Context()
	a := person(t, s, "a@example.com")
	p := must(s.CreateProject(ctx, a, "p"))(t)
	for range 3 {
		must(s.AddRelease(ctx, a, Release{ProjectID: p.ID}))(t)
	}
	if err := errors.Join(
		s.SaveTree(ctx, a, p.ID, source.Manifest{}), s.SaveLayer(ctx, p.ID, Layer{Key: "k", SHA256: "aa", Size: 1}), s.BeginRelocation(ctx, a, Relocation{p.ID, "web-a", "s-1"}),
	); err != nil {
		t.Fatal(err)
	}
	if got := must(s.DeleteProject(ctx, a, p.ID))(t); got != (Removed{Releases: 3, Trees: 1, Layers: 1}) {
		t.Errorf("removed %+v", got)
	}
	_, err := s.DeleteProject(ctx, a, p.ID)
	wantErr(t, err, ErrNotFound)
	if again := must(s.CreateProject(ctx, a, "p"))(t); again.ID <= p.ID {
		t.Errorf("project id %d came back after %d", again.ID, p.ID)
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
