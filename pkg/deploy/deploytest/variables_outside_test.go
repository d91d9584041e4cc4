package deploytest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/deploy/variables"
	"fngen.dev/fngen/pkg/secret/secrettest"
)

// What somebody writes in Vault by hand keeps nobody from setting variables.
func TestVariablesByHand(t *testing.T) {
	inNewWorld(t, func(w *world) {
		byHand := func(newest int) {
			_ = must(w.secrets.Write(w.Context(), "shop", newest, false, map[string]string{"H": "1", "not-a-name": "2", "PATH": "3"}, nil))(w.T)
		}
		w.well(w.set("a@example.com", values("A", "1")))
		w.well(w.push(code(1, oneServer, "live_app")))
		byHand(1)
		w.well(w.set("a@example.com", values("B", "2"))) // what nothing could start with is left out
		w.wantRuns("A", "1", "B", "2", "H", "1")
		for n := 3; n < 3+secrettest.Keeps-1; n++ {
			byHand(n)
		}
		p := w.set("a@example.com", values("B", "3"))
		if p == nil || !strings.Contains(p.Help, "vault kv metadata put -mount=fngen -max-versions=200 shop/env") {
			t.Errorf("%+v", p)
		}
		byHand(3 + secrettest.Keeps - 1) // Vault has forgotten the live one
		w.well(w.set("a@example.com", values("B", "3")))
		w.wantRuns("A", "1", "B", "3", "H", "1")
	})
}

// Versions that no release needs which could come back are destroyed after a while.
func TestOldVariables(t *testing.T) {
	inNewWorld(t, func(w *world) {
		there := func() (out []int) {
			for n := range 10 {
				if w.secrets.Values("shop", n) != nil {
					out = append(out, n)
				}
			}
			return out
		}
		w.well(w.set("a@example.com", values("A", "1")))
		w.well(w.push(code(1, oneServer, "live_app")))
		unused := values("A", "2")
		unused.NoRollout = true
		w.well(w.set("a@example.com", unused))
		w.well(w.set("a@example.com", values("A", "3")))
		if got := there(); !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("at once there are %v", got)
		}
		time.Sleep(variables.PruneAfter + time.Minute)
		w.faults.name("secrets.Destroy", fails)
		w.well(w.set("a@example.com", values("A", "4"))) // that it fails is no fault of the change
		w.healed()
		w.well(w.set("a@example.com", values("A", "5")))
		if got := there(); !slices.Equal(got, []int{1, 3, 4, 5}) {
			t.Errorf("there are %v: 2 is of no release", got)
		}
		w.well(w.rollback(1))
		w.wantRuns("A", "1")
	})
}
