package installed

import (
	"bytes"
	"slices"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte("fngen modules 1\nfastapi\ngoogle.cloud\n*\n"), "google.cloud.storage")
	f.Add([]byte("fngen modules 1\na..b\n"), "a")
	f.Fuzz(func(t *testing.T, data []byte, dotted string) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Parse(m.Bytes())
		if err != nil || again.Open != m.Open || !slices.Equal(again.Names, m.Names) {
			t.Errorf("%+v was read as %+v, %v", m, again, err)
		}
		if lacks := m.Lacks(dotted); lacks != "" && !bytes.HasPrefix([]byte(dotted), []byte(lacks)) {
			t.Errorf("%q lacks %q", dotted, lacks)
		}
		for _, name := range m.Names {
			if m.Lacks(name) != "" {
				t.Errorf("%q is there and missed", name)
			}
		}
	})
}
