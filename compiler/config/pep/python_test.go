package pep

import "testing"

func TestAllowsMinor(t *testing.T) {
	for _, c := range []struct {
		spec, minor string
		ok, valid   bool
	}{
		{">=3.9,<3.12", "3.11", true, true},
		{">=3.9,<3.12", "3.12", false, true},
		{">=3.9, <4", "3.13", true, true},
		{">=3", "3.9", true, true},
		{"==3.11.*", "3.11", true, true},
		{"==3.11.4", "3.11", true, true},
		{"==3.10", "3.11", false, true},
		{"~=3.9", "3.13", true, true},
		{"~=3.9.2", "3.10", false, true},
		{"<3.12.3", "3.12", true, true},
		{"!=3.11.*,>=3.10", "3.11", false, true},
		{"!=3.11.2", "3.11", true, true},
		{">2.7", "3.11", true, true},
		{"<3", "3.11", false, true},
		{"", "3.11", true, true},
		{"^3.9", "3.11", false, false},
		{"3.9", "3.11", false, false},
	} {
		ok, valid := AllowsMinor(c.spec, c.minor)
		if ok != c.ok || valid != c.valid {
			t.Errorf("AllowsMinor(%q, %q) = %v, %v", c.spec, c.minor, ok, valid)
		}
	}
}
