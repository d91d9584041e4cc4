package store

import (
	"path/filepath"
	"testing"
	"time"
)

// TestSQLite runs the suite that every database has to pass.
func TestSQLite(t *testing.T) {
	conformance(t, func(t *testing.T, now func() time.Time) *Store {
		s := openSQLiteFile(t)
		s.now = now
		return s
	})
}

func openSQLiteFile(t *testing.T) *Store {
	t.Helper()
	s := must(Open(t.Context(), filepath.Join(t.TempDir(), "with space#and?marks.db")))(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestTwoProcesses opens one new file twice at once, as `fngend key create` does
// beside a server that starts.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fngend.db")
	const openers = 4
	stores := make(chan *Store, openers)
	for range openers {
		go func() {
			s, err := Open(t.Context(), path)
			if err != nil {
				t.Error(err)
			}
			stores <- s
		}()
	}
	var open []*Store
	for range openers {
		if s := <-stores; s != nil {
			defer s.Close()
			open = append(open, s)
		}
	}
	if t.Failed() {
		return
	}
	a, err := open[0].CreateAccount(t.Context(), Actor{}, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open[1].AccountByEmail(t.Context(), "A@example.com"); err != nil || got.ID != a.ID {
		t.Errorf("the other store sees %+v, %v", got, err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fngend.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec(`INSERT INTO migrations (version, at) VALUES (9999, 0)`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(t.Context(), path); err == nil {
		s.Close()
		t.Error("a database of a newer fngend was opened")
	}
}

// TestMigrationThatCameLater opens a database that has run a higher number, but not
// a lower one.
func TestMigrationThatCameLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fngend.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`DELETE FROM migrations WHERE version = 4`, `DROP TABLE relocations`} {
		if _, err := s.write.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.write.Exec(`SELECT * FROM relocations`); err != nil {
		t.Error(err)
	}
}

func TestAuditIsAppendOnly(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "fngend.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.CreateAccount(t.Context(), Actor{}, "a@example.com"); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`DELETE FROM audit`, `UPDATE audit SET action = 'x'`} {
		if _, err := s.write.Exec(q); err == nil {
			t.Errorf("%s was allowed", q)
		}
	}
}
