package compiler

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fngen.dev/fngen/compiler/discover"
	"fngen.dev/fngen/compiler/source"
)

// treeOf is a tree of n files of the size, each with a Power; one of them is too
// large to be read and one is not there.
func treeOf(n, size int) source.Tree {
	mem := fstest.MapFS{}
	tree := source.Tree{FS: mem}
	add := func(name string, src []byte) {
		mem[name] = &fstest.MapFile{Data: src}
		tree.Files = append(tree.Files, source.File{Path: name, Size: int64(len(src))})
	}
	for i := range n {
		src := fmt.Appendf(nil, "from fngen.powers import webapp\n@webapp(framework='flask')\ndef app_%04d(): 'number %d'\n", i, i)
		add(fmt.Sprintf("app_%04d.py", i), append(src, bytes.Repeat([]byte("x = 1\n"), size/6)...))
	}
	add("large.py", bytes.Repeat([]byte("#\n"), discover.MaxSource/2+1))
	add("lost.py", nil)
	delete(mem, "lost.py")
	tree.Sort()
	return tree
}

// What one file holds must outlive the reading of the next one, in whatever order
// the workers take them.
func TestSearch(t *testing.T) {
	tree := treeOf(500, 100)
	want := search(t.Context(), tree, "")
	for i, u := range want.uses {
		if name := fmt.Sprintf("app_%04d", i); u.Function != name || u.Place.File != name+".py" || u.Doc != fmt.Sprintf("number %d", i) {
			t.Fatalf("use %d is %+v", i, u)
		}
	}
	var codes []string
	for _, d := range want.diags {
		codes = append(codes, d.File+" "+d.Code)
	}
	if got := strings.Join(codes, ", "); len(want.uses) != 500 || got != "large.py FN1207, lost.py FN1208" {
		t.Errorf("%d uses; %s", len(want.uses), got)
	}
	for range 5 {
		if got := search(t.Context(), tree, ""); !reflect.DeepEqual(got, want) {
			t.Fatal("a second search finds something else")
		}
	}
}

// A search holds one file for each worker, not the tree.
func TestSearchMemory(t *testing.T) {
	tree := treeOf(200, 200<<10)
	tree.Files = slices.DeleteFunc(tree.Files, func(f source.File) bool { return f.Path == "large.py" })
	least := ^uint64(0)
	for range 3 { // what else the process does meanwhile counts too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		search(t.Context(), tree, "")
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if got, most := least, uint64(4+runtime.GOMAXPROCS(0))<<20; got > most {
		t.Errorf("a tree of %d MiB takes %d MiB, more than %d", tree.Size()>>20, got>>20, most>>20)
	}
}

// A file of exactly the largest size is read whole.
func TestReadLargest(t *testing.T) {
	for size, wrong := range map[int]bool{discover.MaxSource: false, discover.MaxSource + 1: true} {
		r := reader{fsys: fstest.MapFS{"a.py": {Data: bytes.Repeat([]byte("\n"), size)}}}
		if m := r.scan("a.py"); (len(m.Diagnostics) > 0) != wrong {
			t.Errorf("%d bytes: %v", size, m.Diagnostics)
		}
	}
	r := reader{fsys: fstest.MapFS{"d/a.py": {}}}
	if m := r.scan("d"); len(m.Diagnostics) != 1 || m.Diagnostics[0].Code != "FN1208" {
		t.Errorf("a directory: %v", m.Diagnostics)
	}
}
