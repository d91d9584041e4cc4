package treeroutes_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/delta"
	"fngen.dev/fngen/pkg/server/manifest"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

func TestUpload(t *testing.T) {
	p, c := servertest.WithShop(t)
	files := map[string]string{
		"a.py": "print(1)\n", "same.py": "print(1)\n", "empty": "", "dir/é.bin": treetest.Noise(0, 3<<20), "zeros": strings.Repeat("\x00", 40<<20),
	}
	for i := range 300 {
		files[fmt.Sprintf("small/%d.txt", i)] = fmt.Sprint(i)
	}
	first := treetest.New(files)
	if sent := servertest.Send(t, c, "shop", first, nil); sent < 3<<20 || sent > 3<<20+100_000 {
		t.Errorf("sent %d bytes", sent)
	}
	p.WantTree(t, "shop", first)
	if m, err := c.LatestTree(t.Context(), "shop"); err != nil || m.Digest() != first.Digest() {
		t.Errorf("the latest tree is %v, %v", m, err)
	}
	delete(files, "empty")
	files["a.py"], files["moved.bin"] = "print(2)\n", files["dir/é.bin"]
	second := treetest.New(files)
	if sent := servertest.Send(t, c, "shop", second, &first); sent > 400 {
		t.Errorf("the change took %d bytes", sent)
	}
	p.WantTree(t, "shop", second)
}

func TestNoTreeYet(t *testing.T) {
	_, c := servertest.WithShop(t)
	if m, err := c.LatestTree(t.Context(), "shop"); !errors.Is(err, api.ErrNoTree) {
		t.Errorf("%v, %v", m, err)
	}
	empty := treetest.New(nil)
	servertest.Upload(t, c, "shop", empty)
	if m, err := c.LatestTree(t.Context(), "shop"); err != nil || len(m.Files) != 0 {
		t.Errorf("%v, %v", m, err)
	}
}

// A change of one line costs its file and less than a kilobyte, counted where
// the connection is.
func TestOneLine(t *testing.T) {
	p, _ := servertest.WithShop(t)
	p.Proxy = servertest.NewCutter(t, p.URL)
	c := p.Client(t, p.Key)
	files := map[string]string{}
	for i := range 10_000 {
		files[fmt.Sprintf("package_%02d/module_%05d.py", i%97, i)] = fmt.Sprintf("VALUE = %d\n", i)
	}
	file := treetest.Noise(3, 2000)
	files["package_07/changes.py"] = file
	before := treetest.New(files)
	servertest.Upload(t, c, "shop", before)
	files["package_07/changes.py"] = file + "\nprint(1)\n"
	after := treetest.New(files)
	wire := p.Proxy.Received.Load()
	sent := servertest.Send(t, c, "shop", after, &before)
	if limit := int64(len(file) + 1024); sent > limit || p.Proxy.Received.Load()-wire > limit {
		t.Errorf("sent %d bytes, %d with the headers", sent, p.Proxy.Received.Load()-wire)
	}
	p.WantTree(t, "shop", after)
}

// A tree that the platform has is known by its digest; the body is not read.
func TestKnownTree(t *testing.T) {
	p, c := servertest.WithShop(t)
	tree := treetest.New(map[string]string{"a": treetest.Noise(1, 20<<20)})
	servertest.Upload(t, c, "shop", tree)
	if problem := p.Put(t, tree.Digest(), "", strings.NewReader("this is no stream")); problem != nil {
		t.Errorf("problem %+v", problem)
	}
}

func TestUploadOfChangedFile(t *testing.T) {
	_, c := servertest.WithShop(t)
	for name, now := range map[string]string{"other": "2", "shorter": "", "longer": "11"} {
		tree := treetest.New(map[string]string{"a.py": "1"})
		tree.FS = fstest.MapFS{"a.py": {Data: []byte(now)}}
		err := upload.Send(t.Context(), c, "shop", &upload.Request{Tree: tree})
		if name == "longer" {
			// The bytes of the manifest were sent; the next push sends the rest.
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "a.py changed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzTreeStream takes any bytes as a stream, with a base and without. What is
// accepted is within the limits that its manifest says.
func FuzzTreeStream(f *testing.F) {
	tree := treetest.New(map[string]string{"a.py": "1", "b/c.py": "22", "d": ""})
	text, err := delta.Encode(source.Manifest{}, tree.Manifest)
	if err != nil {
		f.Fatal(err)
	}
	head := append(binary.AppendUvarint(nil, uint64(len(text))), text...)
	f.Add(append(slices.Clone(head), 1, '1', 1, '2', '2', 1, 0))
	f.Add(append(slices.Clone(head), 0))
	f.Add([]byte{1, 3<<2 | 2, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, base := range []source.Manifest{{}, tree.Manifest} {
			in := api.NewTreeReader(bytes.NewReader(body))
			text, err := in.Delta(func(int64) error { return nil })
			if err != nil {
				continue
			}
			m, err := delta.Apply(base, text)
			if err != nil || manifest.Check(m) != nil {
				continue
			}
			in.Contents(m)
			total := int64(0)
			for {
				_, content, err := in.Next()
				if err != nil {
					break
				}
				n, _ := io.Copy(io.Discard, content)
				total += n
			}
			if total > m.Size() || total > int64(len(body)) {
				t.Fatalf("%d bytes of a tree of %d", total, m.Size())
			}
		}
	})
}
