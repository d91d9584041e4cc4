package config

import (
	"bytes"
	"regexp"
	"slices"
	"testing"

	"fngen.dev/fngen/compiler/catalog"
)

// The manual page is a valid file, names every key, and every size.
func TestReference(t *testing.T) {
	f, diags := parse("fngen.yml", Reference)
	if len(diags) > 0 {
		t.Fatalf("reference.yml: %v", diags)
	}
	if f.Project.Value == "" || f.Python.Value == "" || len(f.Servers) != 2 || len(f.Functions) != 2 {
		t.Errorf("reference.yml says %+v", f)
	}
	for _, key := range append(slices.Clone(topKeys), serverKeys...) {
		if !regexp.MustCompile(`(?m)^[ -]*` + key + `:`).Match(Reference) {
			t.Errorf("reference.yml does not name %q", key)
		}
	}
	for _, size := range catalog.Sizes() {
		if !regexp.MustCompile(`# Required\. .*\b` + size.Name + `\b`).Match(Reference) {
			t.Errorf("reference.yml does not name the size %q", size.Name)
		}
	}
}

// Whatever the bytes, reading ends and points into the file.
func FuzzParse(f *testing.F) {
	f.Add(Reference)
	f.Add([]byte("a: &b [*b]\n<<: {}\n? [x]\n: y\n"))
	f.Add([]byte("servers:\n- {name: é, count: 1e3}\n--- \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, diags := parse("fngen.yml", data)
		for _, d := range diags {
			if d.Line < 0 || d.Line > bytes.Count(data, []byte("\n"))+bytes.Count(data, []byte("\r"))+bytes.Count(data, []byte("\u0085"))+bytes.Count(data, []byte("\u2028"))+bytes.Count(data, []byte("\u2029"))+2 || d.Help == "" {
				t.Errorf("bad diagnostic %+v", d)
			}
		}
	})
}
