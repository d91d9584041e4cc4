package resolve

import (
	"maps"
	"slices"
	"testing"
)

// Every option of a Power has its form, and no form is of an option that is gone.
func TestForms(t *testing.T) {
	for power, spec := range map[string][]option{"webapp": webappOptions} {
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
