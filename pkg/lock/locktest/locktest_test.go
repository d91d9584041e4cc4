package locktest_test

import (
	"testing"

	"fngen.dev/fngen/pkg/lock/locktest"
)

// TestConform holds locks in memory to what those in Consul do (e2e/conform/lock_test.go).
func TestConform(t *testing.T) {
	var l locktest.Locker
	locktest.Conform(t, l.Acquire, func(string) { l.Lose() })
}
