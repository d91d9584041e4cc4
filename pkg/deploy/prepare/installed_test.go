package prepare

import (
	"archive/tar"
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/installed"
)

// TestReadInstalled holds that the list is found as the first file of a layer, and
// that nothing is concluded from a layer without it.
func TestReadInstalled(t *testing.T) {
	list := string(installed.Modules{Names: []string{"fastapi"}}.Bytes())
	for name, test := range map[string]struct {
		files []string
		text  string
		want  installed.Modules
		fails bool
	}{
		"first":      {[]string{installed.File, "bin/python"}, list, installed.Modules{Names: []string{"fastapi"}}, false},
		"none":       {[]string{"bin/python", "lib/x"}, "", installed.Modules{Open: true}, false},
		"empty":      {nil, "", installed.Modules{Open: true}, false},
		"too late":   {[]string{"bin/python", installed.File}, list, installed.Modules{Open: true}, false},
		"not a list": {[]string{installed.File}, "x", installed.Modules{}, true},
	} {
		var packed bytes.Buffer
		z, err := zstd.NewWriter(&packed)
		if err != nil {
			t.Fatal(err)
		}
		w := tar.NewWriter(z)
		for _, file := range test.files {
			if err := w.WriteHeader(&tar.Header{Name: file, Mode: 0o640, Size: int64(len(test.text)), Typeflag: tar.TypeReg}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(test.text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := ReadInstalled(&packed)
		if d := cmp.Diff(test.want, got); d != "" || (err != nil) != test.fails {
			t.Errorf("%s: %v, -want +got:\n%s", name, err, d)
		}
	}
	if _, err := ReadInstalled(bytes.NewReader([]byte("not a layer"))); err == nil {
		t.Error("no error for what is no layer")
	}
}
