package deploytest

import (
	"errors"
	"slices"
	"testing"

	"fngen.dev/fngen/pkg/api"
)

// codeOf is what a person is told of an error, empty for what is not for them.
func codeOf(err error) api.Code {
	if problem, ok := errors.AsType[*api.Problem](err); ok {
		return problem.Code
	}
	return ""
}

// TestCreate holds which names a project can have.
func TestCreate(t *testing.T) {
	inWorld(t, func(w *world) {
		for name, code := range map[string]api.Code{"shop": api.Exists, "Shop": api.Invalid, "api": api.Invalid} {
			if _, err := w.service.Create(w.Context(), w.actor, name); codeOf(err) != code {
				t.Errorf("%s: %v", name, err)
			}
		}
		platform := must(w.service.Platform(w.Context()))(t)
		if !slices.Equal(platform.Regions, []string{"us-west"}) || platform.DefaultRegion != "us-west" || !slices.Equal(platform.Powers, []string{"webapp"}) {
			t.Errorf("the platform is %+v", platform)
		}
		if keys, err := w.service.LiveStatic(w.Context(), w.project); err != nil || len(keys) > 0 {
			t.Errorf("static files %v: %v", keys, err)
		}
	})
}
