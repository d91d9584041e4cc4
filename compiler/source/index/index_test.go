package index

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

const tick = int64(1e9)

// entries of a tree, and when they were last changed.
func write(t testing.TB, dir, root string, paths ...string) *Writer {
	t.Helper()
	w, err := Create(dir, root)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		w.Add(p, settled(p), digestOf(p))
	}
	return w
}

func settled(path string) Stat {
	return Stat{Size: int64(len(path)), Mtime: -5 * tick, Ctime: 5 * tick, Inode: 1 << 60, Mode: 0o644}
}

func digestOf(path string) (d Digest) {
	copy(d[:], path)
	return d
}

var paths = []string{"a", "a-b", "a/b", "a/bc", "b", "é"}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	if err := write(t, dir, "/tree", paths...).Commit(); err != nil {
		t.Fatal(err)
	}
	x := Open(dir, "/tree")
	for _, p := range append([]string{"", "A"}, paths...) {
		got, ok := x.Find(p, settled(p))
		if known := p != "" && p != "A"; ok != known || ok && got != digestOf(p) {
			t.Errorf("%q: %v %v", p, got, ok)
		}
	}
	if _, ok := x.Find("ê", Stat{}); ok {
		t.Error("what comes after the last is found")
	}
	info, err := os.Stat(fileOf(dir, "/tree"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Every part of a file's state counts, and one that was changed when the index was
// begun or later could have been changed again within a tick.
func TestFindOnlyUnchanged(t *testing.T) {
	dir := t.TempDir()
	begun := settledAfter(t, dir)
	for name, change := range map[string]func(*Stat){
		"size":  func(s *Stat) { s.Size++ },
		"mtime": func(s *Stat) { s.Mtime++ },
		"ctime": func(s *Stat) { s.Ctime++ },
		"inode": func(s *Stat) { s.Inode++ },
		"mode":  func(s *Stat) { s.Mode |= 0o100 },
	} {
		st := settled("a")
		change(&st)
		if _, ok := Open(dir, "/tree").Find("a", st); ok {
			t.Errorf("found with another %s", name)
		}
	}
	for name, st := range map[string]Stat{
		"just changed":           {Size: 1, Mtime: begun, Ctime: begun},
		"changed a moment ago":   {Size: 1, Mtime: begun - tick, Ctime: begun - tick},
		"mtime set back":         {Size: 1, Mtime: tick, Ctime: begun},
		"mtime set forth":        {Size: 1, Mtime: begun + 1000*tick, Ctime: tick},
		"a system without ctime": {Size: 1, Mtime: tick},
	} {
		w := write(t, dir, "/tree")
		w.Add("a", st, digestOf("a"))
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		if _, ok := Open(dir, "/tree").Find("a", st); ok {
			t.Errorf("%s, and believed", name)
		}
	}
}

func settledAfter(t *testing.T, dir string) int64 {
	w := write(t, dir, "/tree", "a")
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	x := Open(dir, "/tree")
	if _, ok := x.Find("a", settled("a")); !ok {
		t.Fatal("not found as it was")
	}
	return x.begun
}

// What is not an index of this tree, whole and of this version, is none.
func TestUnusable(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "/tree", paths...).encoded()
	change := func(f func(b []byte) []byte) []byte {
		body := f(bytes.Clone(good[:len(good)-4]))
		return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, table))
	}
	far := func(b []byte) []byte {
		binary.LittleEndian.PutUint64(b[headerSize-12:], 1<<62)
		return b
	}
	for name, data := range map[string][]byte{
		"empty":             {},
		"cut short":         good[:len(good)/2],
		"a flipped bit":     append([]byte{good[0] ^ 1}, good[1:]...),
		"damaged inside":    append(bytes.Clone(good[:headerSize+9]), append([]byte{good[headerSize+9] ^ 4}, good[headerSize+10:]...)...),
		"an older version":  change(func(b []byte) []byte { b[len(magic)]--; return b }),
		"of another tree":   write(t, dir, "/other", paths...).encoded(),
		"from the future":   change(far),
		"with no entries":   change(func(b []byte) []byte { return b[:headerSize] }),
		"of something else": []byte("DIRC and so on, for as many bytes as an index has in its header and its checksum"),
	} {
		if err := os.WriteFile(fileOf(dir, "/tree"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		x := Open(dir, "/tree")
		for _, p := range paths {
			if _, ok := x.Find(p, settled(p)); ok {
				t.Errorf("%s, and %q is found", name, p)
			}
		}
	}
}

// FuzzIndex: whatever stands in the file, reading it ends, and paths come out in
// no other order than ascending.
func FuzzIndex(f *testing.F) {
	dir := f.TempDir()
	f.Add(write(f, dir, "/tree", paths...).encoded())
	f.Add(write(f, dir, "/tree").encoded())
	f.Fuzz(func(t *testing.T, data []byte) {
		if x := decode(data, "/tree"); x.left > 0 {
			t.Logf("%d entries with a good checksum", x.left)
		}
		if len(data) < headerSize+4 {
			return
		}
		// Make it whole, so that what is behind the checksum is read too.
		body := append(header("/tree", 1<<60), data[headerSize:]...)
		copy(body[headerSize-4:headerSize], data[headerSize-4:headerSize])
		x := decode(binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, table)), "/tree")
		last := ""
		for n := 0; x.next(); n++ {
			if n > len(data) {
				t.Fatal("it gives more entries than it has bytes")
			}
			if p := string(x.path); n > 0 && p <= last {
				t.Errorf("%q comes after %q", p, last)
			} else {
				last = p
			}
		}
	})
}
