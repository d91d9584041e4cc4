//go:build unix

package tasks_test

import (
	"testing"

	"fngen.dev/fngen/pkg/store/storetest"
)

// TestPostgres runs every test of the ledger in PostgreSQL too.
func TestPostgres(t *testing.T) {
	server, sqlite := storetest.Start(t), database
	database = server.Database
	defer func() { database = sqlite }()
	for name, test := range map[string]func(*testing.T){
		"keys": TestKeys, "events in any order": TestEventsInAnyOrder, "events of others": TestEventsOfOthers, "retry": TestRetry,
		"cancel": TestCancel, "claims": TestClaims, "pages": TestPages, "prune": TestPrune,
	} {
		t.Run(name, test)
	}
}
