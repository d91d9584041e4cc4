package deploytest

import (
	"slices"
	"testing"

	"fngen.dev/fngen/pkg/api"
)

// TestTarget holds that the control plane refuses what it tells clients that it lacks: a
// client may be older, or another program.
func TestTarget(t *testing.T) {
	inNewWorld(t, func(w *world) {
		platform := must(w.service.Platform(w.Context()))(t)
		if !slices.Equal(platform.Powers, []string{"webapp"}) {
			t.Errorf("it has the Powers %v", platform.Powers)
		}
		problem := w.push(map[string]string{"fngen.yml": oneServer, "app.py": "from fngen.powers import task_worker, webapp\n" +
			"@task_worker\ndef work(): pass\n@webapp('flask', domain='a.fngen.localhost')\ndef site(): return 1\n"})
		w.refused(problem, api.Refused, "the tree has faults; nothing was changed")
		var codes []string
		for _, d := range problem.Diagnostics {
			codes = append(codes, d.Code)
		}
		if want := []string{"FN1313", "FN1353"}; !slices.Equal(codes, want) {
			t.Errorf("the codes are %v, want %v", codes, want)
		}
	})
}
