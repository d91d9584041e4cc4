package deploy

import (
	"testing"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
)

// TestUntold leaves out the variable that a failure names at its place, and no other.
func TestUntold(t *testing.T) {
	failures := diag.List{{Code: "FN2101", File: "app.py", Line: 3, Message: "KeyError: 'KEY'"}}
	for use, told := range map[api.EnvUse]bool{
		{Name: "KEY", File: "app.py", Line: 3}:   true,
		{Name: "KEY", File: "app.py", Line: 4}:   false,
		{Name: "KEY", File: "other.py", Line: 3}: false,
		{Name: "KE", File: "app.py", Line: 3}:    false,
		{Name: "TOKEN", File: "app.py", Line: 3}: false,
	} {
		if got := len(untold([]api.EnvUse{use}, failures)) == 0; got != told {
			t.Errorf("%+v is told: %v", use, got)
		}
	}
}
