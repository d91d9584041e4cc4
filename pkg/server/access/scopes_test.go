package access

import (
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

func TestUnknownScopeOpensNothing(t *testing.T) {
	for _, scope := range []api.Scope{"", "all", "Account"} {
		for pattern := range scopes {
			if err := mayUse(store.Actor{Scope: scope}, pattern, ""); err == nil {
				t.Errorf("scope %q opens %s", scope, pattern)
			}
		}
	}
}
