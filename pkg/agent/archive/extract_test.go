package archive

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/nodefiles"
)

func TestExtractTree(t *testing.T) {
	root := agenttest.OpenTemp(t)
	data := agenttest.Archive(t,
		agenttest.Entry{Name: "pkg/__init__.py"},
		agenttest.Entry{Name: "app.py", Content: "x = 1\n", Mode: 0o4755},
		agenttest.Entry{Name: strings.Repeat("d/", 40) + "ü.py", Content: "long"})
	m, err := ExtractTree(root, -1, bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 3 || m.Files[0].Path != "app.py" || !m.Files[0].Executable || m.Files[2].Executable {
		t.Errorf("manifest is %+v", m.Files)
	}
	onDisk, err := ManifestOf(root.Name(), nil)
	if err != nil || onDisk.Digest() != m.Digest() {
		t.Errorf("digest on disk is %s (%v), in the archive %s", onDisk.Digest(), err, m.Digest())
	}
	info, err := root.Stat("app.py")
	if err != nil || info.Mode() != 0o750 {
		t.Errorf("mode is %v (%v), want -rwxr-x---", info.Mode(), err)
	}
}

func TestExtractTreeRefuses(t *testing.T) {
	file := func(names ...string) (out []agenttest.Entry) {
		for _, n := range names {
			out = append(out, agenttest.Entry{Name: n, Content: "x"})
		}
		return out
	}
	for name, test := range map[string]struct {
		entries []agenttest.Entry
		want    string
	}{
		"parent":        {file("../x"), "not a path inside"},
		"inner parent":  {file("a/../../x"), "not a path inside"},
		"absolute":      {file("/etc/x"), "not a path inside"},
		"root":          {file("."), "not a path inside"},
		"dot segment":   {file("a/./b"), "not a path inside"},
		"empty segment": {file("a//b"), "not a path inside"},
		"no UTF-8":      {file("a\xffb"), "not a path inside"},
		"duplicate":     {file("a", "a"), "file exists"},
		"file as dir":   {file("a", "a/b"), "file exists"},
		"dir as file":   {file("a/b", "a"), "file exists"},
		"long segment":  {file(strings.Repeat("a", 256)), "longer than 255"},
		"deep":          {file(strings.Repeat("a/", 64) + "b"), "deeper than 64"},
		"long path":     {file(strings.Repeat(strings.Repeat("a", 200)+"/", 6) + "b"), "longer than 1024"},
		"directory":     {[]agenttest.Entry{{Name: "a/", Kind: tar.TypeDir}}, "not a regular file"},
		"symlink":       {[]agenttest.Entry{{Name: "a", Link: "b", Kind: tar.TypeSymlink}}, "not a regular file"},
		"hard link":     {[]agenttest.Entry{{Name: "b"}, {Name: "a", Link: "b", Kind: tar.TypeLink}}, "not a regular file"},
		"device":        {[]agenttest.Entry{{Name: "a", Kind: tar.TypeChar}}, "not a regular file"},
		"fifo":          {[]agenttest.Entry{{Name: "a", Kind: tar.TypeFifo}}, "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			root := agenttest.OpenTemp(t)
			_, err := ExtractTree(root, -1, bytes.NewReader(agenttest.Archive(t, test.entries...)), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestExtractBomb unpacks small archives that would become large.
func TestExtractBomb(t *testing.T) {
	data := agenttest.Archive(t, agenttest.Entry{Name: "a", Content: strings.Repeat("0", 3<<20)})
	x := newExtractor(agenttest.OpenTemp(t), -1, limits{entries: 10, bytes: 1 << 20})
	err := x.each(bytes.NewReader(data), func(h *tar.Header, r io.Reader) error {
		_, err := x.file(h, r)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "larger than the limit") {
		t.Errorf("content over the limit: %v", err)
	}
	few := newExtractor(agenttest.OpenTemp(t), -1, limits{entries: 1, bytes: 1 << 20})
	err = few.each(bytes.NewReader(agenttest.Archive(t, agenttest.Entry{Name: "a"}, agenttest.Entry{Name: "b"})), func(*tar.Header, io.Reader) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "more than 1 entries") {
		t.Errorf("entries over the limit: %v", err)
	}
	var wide bytes.Buffer
	z, err := zstd.NewWriter(&wide, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: 100 << 20}); err != nil {
		t.Fatal(err)
	}
	chunk := bytes.Repeat([]byte("0123456789"), 10<<20)
	w.Write(chunk[:100<<20])
	w.Close()
	z.Close()
	if _, err := ExtractTree(agenttest.OpenTemp(t), -1, &wide, nil); err == nil || !strings.Contains(err.Error(), "window") {
		t.Errorf("a window of 64 MiB: %v", err)
	}
}

func TestExtractTruncated(t *testing.T) {
	data := agenttest.Archive(t, agenttest.Entry{Name: "a", Content: strings.Repeat("some text ", 1000)})
	for _, n := range []int{0, 1, len(data) / 2, len(data) - 1} {
		if m, err := ExtractTree(agenttest.OpenTemp(t), -1, bytes.NewReader(data[:n]), nil); err == nil && len(m.Files) > 0 {
			t.Errorf("%d of %d bytes were taken for the whole", n, len(data))
		}
	}
}

func TestExtractLayerLinks(t *testing.T) {
	for _, test := range []struct {
		name, target string
		ok           bool
	}{
		{"bin/python", "/usr/bin/python3.11", true},
		{"bin/python", "/opt/fngen/python/3.12/bin/python3.12", true},
		{"bin/python", "/opt/fngen/python/3.12/bin/../../../bin/uv", false},
		{"bin/python", "/opt/fngen/bin/uv", false},
		{"bin/python", "/opt/fngen/etc/build.env", false},
		{"bin/python", "/python/3.12/bin/python3.12", false},
		{"bin/python3", "python", true},
		{"lib64", "lib", true},
		{"a/b/c", "../../d", true},
		{"bin/python", "/usr/bin/../../etc/shadow", false},
		{"bin/python", "/usr/bin/python3.11/../sh", false},
		{"bin/sh", "/bin/sh", false},
		{"x", "..", false},
		{"a/x", "../..", false},
		{"a/x", "../../b", false},
		{"a/x", "b/../../../c", false},
		{"a/x", "s/../c", false}, // s may be a link itself
		{"a/x", "", false},
	} {
		if test.target == "" {
			if checkLink(test.name, "", nodefiles.Default) == nil {
				t.Error("an empty target was accepted")
			}
			continue
		}
		err := ExtractLayer(agenttest.OpenTemp(t), -1, nodefiles.Default, bytes.NewReader(agenttest.Archive(t, agenttest.Entry{Name: test.name, Link: test.target, Kind: tar.TypeSymlink})))
		if (err == nil) != test.ok {
			t.Errorf("%s -> %s: %v", test.name, test.target, err)
		}
	}
	through := agenttest.Archive(t, agenttest.Entry{Name: "lib/", Kind: tar.TypeDir}, agenttest.Entry{Name: "lib64", Link: "lib", Kind: tar.TypeSymlink}, agenttest.Entry{Name: "lib64/x"})
	if err := ExtractLayer(agenttest.OpenTemp(t), -1, nodefiles.Default, bytes.NewReader(through)); err == nil {
		t.Error("a file was written through a link")
	}
	if err := ExtractLayer(agenttest.OpenTemp(t), -1, nodefiles.Default, bytes.NewReader(agenttest.Archive(t, agenttest.Entry{Name: CompleteMarker}))); err == nil {
		t.Error("an archive brought its own marker")
	}
}

func TestPackLayerAndBack(t *testing.T) {
	from := agenttest.OpenTemp(t)
	for _, dir := range []string{"bin", "lib", "lib/empty"} {
		if err := from.Mkdir(dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]fs.FileMode{"bin/tool": 0o750, "lib/a.py": 0o640, CompleteMarker: 0o640} {
		if err := from.WriteFile(name, []byte(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := from.Link("lib/a.py", "lib/hard.py"); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"bin/python": "/usr/bin/python3.11", "lib64": "lib"} {
		if err := from.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := PackLayer(from, nodefiles.Default, w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same layer gave different archives")
	}
	to := agenttest.OpenTemp(t)
	if err := ExtractLayer(to, -1, nodefiles.Default, &first); err != nil {
		t.Fatal(err)
	}
	want := agenttest.List(t, from.Name())
	delete(want, CompleteMarker)
	if diff := cmp.Diff(want, agenttest.List(t, to.Name())); diff != "" {
		t.Error(diff)
	}
	if err := from.Symlink("../../etc", "lib/out"); err != nil {
		t.Fatal(err)
	}
	if err := PackLayer(from, nodefiles.Default, &second); err == nil || !strings.Contains(err.Error(), `"lib/out" leads out`) {
		t.Errorf("packed a link that leads out: %v", err)
	}
}

func archiveOfName(t *testing.T, name string) []byte {
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg}); err != nil {
		return []byte(name) // not a name that a tar can hold
	}
	w.Close()
	z.Close()
	return out.Bytes()
}
