package resolve

import (
	"maps"
	"slices"
	"testing"
)

// Every Power that compiles has forms, every option of it its own, and no form is of an option that is gone.
func TestForms(t *testing.T) {
	if got := slices.Sorted(maps.Keys(Forms())); !slices.Equal(got, Powers()) {
		t.Errorf("the Powers are %v, and there are forms of %v", Powers(), got)
	}
	for power, spec := range map[string][]option{"webapp": webappOptions, "task_worker": taskWorkerOptions} {
		var names []string
		for _, o := range spec {
			names = append(names, o.name)
		}
		slices.Sort(names)
		if got := slices.Sorted(maps.Keys(Forms()[power])); !slices.Equal(got, names) {
			t.Errorf("@%s has the options %v and the forms %v", power, names, got)
		}
	}
}
