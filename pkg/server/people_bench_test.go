package server_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/blob"
	"fngen.dev/fngen/pkg/deploy"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/store"
	"fngen.dev/fngen/pkg/store/postgres"
)

// listing is a control plane whose lists are the real ones.
type listing struct {
	*servertest.Deployer
	service deploy.Service
}

func (l *listing) List(page []store.Summary) ([]api.Project, error) { return l.service.List(page) }

// BenchmarkProjectsPage asks for a page of 50 in the middle of 10,000 projects with
// 100,000 releases. FNGEND_DATABASE is the database, else it is SQLite. Run it with
// -benchtime 150x: a key may make 200 requests at once.
func BenchmarkProjectsPage(b *testing.B) {
	database := os.Getenv("FNGEND_DATABASE")
	if database == "" {
		database = filepath.Join(b.TempDir(), "db")
	}
	s, err := store.Open(b.Context(), database, postgres.Engine)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	key := fillProjects(b, s, 10_000, 10)
	blobs, err := blob.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer blobs.Close()
	handler := server.New(server.Options{Store: s, Blobs: blobs, Deployer: &listing{Deployer: &servertest.Deployer{Store: s}}, Version: "test", Log: slog.New(slog.DiscardHandler)})
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/projects?limit=50&after=p05000", nil)
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var got []api.Project
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) != 50 || got[0].Release != 10 {
			b.Fatalf("%d %.200s", w.Code, w.Body)
		}
	}
}

// fillProjects makes projects with releases of the usual size, the last of each live.
func fillProjects(b *testing.B, s *store.Store, projects, releases int) (key string) {
	b.Helper()
	a, err := s.CreateAccount(b.Context(), store.Actor{}, fmt.Sprintf("%d@example.com", os.Getpid()))
	if err != nil {
		b.Fatal(err)
	}
	_, secret, err := s.CreateKey(b.Context(), store.Actor{}, a.ID, "bench")
	if err != nil {
		b.Fatal(err)
	}
	app := ir.Function{Name: "site", Power: ir.PowerWebApp, File: "app.py", WebApp: &ir.WebApp{Hosts: []string{"p"}}, Parameters: []ir.Parameter{}}
	meaning, err := json.Marshal(ir.Project{Name: "p", Functions: []ir.Function{app, app, app, app, app}})
	if err != nil {
		b.Fatal(err)
	}
	jobs := bytes.Repeat([]byte("job "), 2500)
	err = s.Change(b.Context(), func(tx *sql.Tx) error {
		for i := range projects {
			var id int64
			const q = `INSERT INTO projects (account_id, name, created_at) VALUES ($1, $2, 1) RETURNING id`
			if err := tx.QueryRowContext(b.Context(), q, a.ID, fmt.Sprintf("p%05d", i)).Scan(&id); err != nil {
				return err
			}
			for n := 1; n <= releases; n++ {
				state := store.Superseded
				if n == releases {
					state = store.Live
				}
				const q = `INSERT INTO releases (project_id, number, tree, entry, layer, env_version, ir, jobs, state, reason, created_by, created_at, live_at)
					VALUES ($1, $2, 'sha256:x', '', 'k', 0, $3, $4, $5, '', 'a@example.com', 1, 1)`
				if _, err := tx.ExecContext(b.Context(), q, id, n, meaning, jobs, string(state)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return secret.Reveal()
}
