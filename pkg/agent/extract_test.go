package agent

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/compiler/source"
)

// entry is one thing in an archive, of which only what matters is set.
type entry struct {
	name, content, link string
	kind                byte
	mode                int64
}

// archive packs entries as the control plane would, and as it would not.
func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.kind, Mode: e.mode}
		if e.kind == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e.content))
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatalf("pack %q: %v", e.name, err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(e.content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openTemp(t testing.TB) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func TestExtractTree(t *testing.T) {
	root := openTemp(t)
	data := archive(t,
		entry{name: "pkg/__init__.py"},
		entry{name: "app.py", content: "x = 1\n", mode: 0o4755},
		entry{name: strings.Repeat("d/", 40) + "ü.py", content: "long"})
	m, err := extractTree(root, -1, bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 3 || m.Files[0].Path != "app.py" || !m.Files[0].Executable || m.Files[2].Executable {
		t.Errorf("manifest is %+v", m.Files)
	}
	onDisk, err := manifestOf(root.Name(), nil)
	if err != nil || onDisk.Digest() != m.Digest() {
		t.Errorf("digest on disk is %s (%v), in the archive %s", onDisk.Digest(), err, m.Digest())
	}
	info, err := root.Stat("app.py")
	if err != nil || info.Mode() != 0o750 {
		t.Errorf("mode is %v (%v), want -rwxr-x---", info.Mode(), err)
	}
}

func TestExtractTreeRefuses(t *testing.T) {
	file := func(names ...string) (out []entry) {
		for _, n := range names {
			out = append(out, entry{name: n, content: "x"})
		}
		return out
	}
	for name, test := range map[string]struct {
		entries []entry
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
		"directory":     {[]entry{{name: "a/", kind: tar.TypeDir}}, "not a regular file"},
		"symlink":       {[]entry{{name: "a", link: "b", kind: tar.TypeSymlink}}, "not a regular file"},
		"hard link":     {[]entry{{name: "b"}, {name: "a", link: "b", kind: tar.TypeLink}}, "not a regular file"},
		"device":        {[]entry{{name: "a", kind: tar.TypeChar}}, "not a regular file"},
		"fifo":          {[]entry{{name: "a", kind: tar.TypeFifo}}, "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			root := openTemp(t)
			_, err := extractTree(root, -1, bytes.NewReader(archive(t, test.entries...)), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestExtractBomb unpacks small archives that would become large.
func TestExtractBomb(t *testing.T) {
	data := archive(t, entry{name: "a", content: strings.Repeat("0", 3<<20)})
	x := newExtractor(openTemp(t), -1, limits{entries: 10, bytes: 1 << 20})
	err := x.each(bytes.NewReader(data), func(h *tar.Header, r io.Reader) error {
		_, err := x.file(h, r)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "larger than the limit") {
		t.Errorf("content over the limit: %v", err)
	}
	few := newExtractor(openTemp(t), -1, limits{entries: 1, bytes: 1 << 20})
	err = few.each(bytes.NewReader(archive(t, entry{name: "a"}, entry{name: "b"})), func(*tar.Header, io.Reader) error { return nil })
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
	if _, err := extractTree(openTemp(t), -1, &wide, nil); err == nil || !strings.Contains(err.Error(), "window") {
		t.Errorf("a window of 64 MiB: %v", err)
	}
}

func TestExtractTruncated(t *testing.T) {
	data := archive(t, entry{name: "a", content: strings.Repeat("some text ", 1000)})
	for _, n := range []int{0, 1, len(data) / 2, len(data) - 1} {
		if m, err := extractTree(openTemp(t), -1, bytes.NewReader(data[:n]), nil); err == nil && len(m.Files) > 0 {
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
			if checkLink(test.name, "", defaultNode) == nil {
				t.Error("an empty target was accepted")
			}
			continue
		}
		err := extractLayer(openTemp(t), -1, defaultNode, bytes.NewReader(archive(t, entry{name: test.name, link: test.target, kind: tar.TypeSymlink})))
		if (err == nil) != test.ok {
			t.Errorf("%s -> %s: %v", test.name, test.target, err)
		}
	}
	through := archive(t, entry{name: "lib/", kind: tar.TypeDir}, entry{name: "lib64", link: "lib", kind: tar.TypeSymlink}, entry{name: "lib64/x"})
	if err := extractLayer(openTemp(t), -1, defaultNode, bytes.NewReader(through)); err == nil {
		t.Error("a file was written through a link")
	}
	if err := extractLayer(openTemp(t), -1, defaultNode, bytes.NewReader(archive(t, entry{name: completeMarker}))); err == nil {
		t.Error("an archive brought its own marker")
	}
}

func TestPackLayerAndBack(t *testing.T) {
	from := openTemp(t)
	for _, dir := range []string{"bin", "lib", "lib/empty"} {
		if err := from.Mkdir(dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]fs.FileMode{"bin/tool": 0o750, "lib/a.py": 0o640, completeMarker: 0o640} {
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
		if err := packLayer(from, defaultNode, w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same layer gave different archives")
	}
	to := openTemp(t)
	if err := extractLayer(to, -1, defaultNode, &first); err != nil {
		t.Fatal(err)
	}
	want := list(t, from.Name())
	delete(want, completeMarker)
	if diff := cmp.Diff(want, list(t, to.Name())); diff != "" {
		t.Error(diff)
	}
	if err := from.Symlink("../../etc", "lib/out"); err != nil {
		t.Fatal(err)
	}
	if err := packLayer(from, defaultNode, &second); err == nil || !strings.Contains(err.Error(), `"lib/out" leads out`) {
		t.Errorf("packed a link that leads out: %v", err)
	}
}

// list describes everything below dir.
func list(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + string(content)
		case info.Mode().Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " " + target
		}
		out[strings.TrimPrefix(path, dir+"/")] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func FuzzExtractTree(f *testing.F) {
	f.Add(archive(f, entry{name: "a/b.py", content: "x"}, entry{name: "c", mode: 0o755}), false)
	f.Add([]byte("a/../../b"), true)
	f.Add([]byte("a\x00b"), true)
	f.Fuzz(func(t *testing.T, data []byte, asName bool) {
		var m source.Manifest
		inside, err := extracted(t, data, asName, func(root *os.Root, r io.Reader) (err error) {
			m, err = extractTree(root, -1, r, nil)
			return err
		})
		if err != nil {
			return
		}
		if onDisk, err := manifestOf(inside, nil); err != nil || onDisk.Digest() != m.Digest() {
			t.Errorf("on disk is %s (%v), the manifest says %s", onDisk.Digest(), err, m.Digest())
		}
	})
}

var collectedAt = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func FuzzExtractStatic(f *testing.F) {
	f.Add(archive(f, entry{name: "css/", kind: tar.TypeDir}, entry{name: "css/a.css", content: "x"}), false)
	f.Add(archive(f, entry{name: "a", link: "/etc", kind: tar.TypeSymlink}, entry{name: "a/b", content: "x"}), false)
	f.Add([]byte("a/../../b"), true)
	f.Fuzz(func(t *testing.T, data []byte, asName bool) {
		inside, _ := extracted(t, data, asName, func(root *os.Root, r io.Reader) error {
			return extractStatic(root, -1, r, collectedAt)
		})
		err := filepath.WalkDir(inside, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !d.Type().IsRegular() {
				t.Errorf("%s is a %s", path, d.Type())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// extracted extracts an archive, or one with a file that data names: bytes make a
// name at once, instead of a valid archive by luck. It returns the directory, beside
// which there must be nothing.
func extracted(t *testing.T, data []byte, asName bool, extract func(*os.Root, io.Reader) error) (string, error) {
	if asName {
		data = archiveOfName(t, string(data))
	}
	dir := t.TempDir()
	inside := filepath.Join(dir, "in")
	if err := os.Mkdir(inside, 0o750); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = extract(root, bytes.NewReader(data))
	if outside, _ := os.ReadDir(dir); len(outside) != 1 {
		t.Errorf("wrote outside of the root: %v", outside)
	}
	return inside, err
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
