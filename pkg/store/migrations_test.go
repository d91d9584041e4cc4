//go:build unix

package store

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/store/dialect"
	"fngen.dev/fngen/pkg/store/storetest"
)

// TestPairs holds that each migration has its twin for the other database.
func TestPairs(t *testing.T) {
	var names [2][]string
	for i, d := range []dialect.Dialect{sqliteDialect, {Migrations: "postgres"}} {
		for _, f := range must(migrationFiles(d))(t) {
			names[i] = append(names[i], f.path[strings.LastIndexByte(f.path, '/')+1:])
		}
	}
	if !slices.Equal(names[0], names[1]) {
		t.Errorf("SQLite has %q\nPostgreSQL has %q: write the other file of the pair", names[0], names[1])
	}
}

// testSameColumns holds that both databases have the same tables with the same columns.
func testSameColumns(t *testing.T, server *storetest.Postgres) {
	names := func(s *Store, query string) []string {
		return must(collect(t.Context(), s.read, "columns", func(row *sql.Rows) (string, error) {
			var table, column string
			err := row.Scan(&table, &column)
			return table + "." + column, err
		}, query))(t)
	}
	lite := names(openSQLiteFile(t), `SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'`)
	postgres := names(openIn(t, server.Database(t)), `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'`)
	slices.Sort(lite)
	slices.Sort(postgres)
	if !slices.Equal(lite, postgres) {
		t.Errorf("SQLite has\n%s\nPostgreSQL has\n%s", strings.Join(lite, " "), strings.Join(postgres, " "))
	}
}
