package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/source"
)

// indexed is a tree of a few files that is scanned with an index.
type indexed struct {
	*testing.T
	root, indexes string
}

func newIndexed(t *testing.T) *indexed {
	x := &indexed{t, realTemp(t), filepath.Join(t.TempDir(), "made", "when", "needed")}
	put(t, x.root+"/a.py", "one")
	put(t, x.root+"/b/c.py", "two")
	put(t, x.root+"/d.py", "three")
	return x
}

// settled scans until no file is so young that its digest cannot be remembered.
func (x *indexed) settled() *indexed {
	x.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if scan(x, x.root, source.Options{Indexes: x.indexes}).Hashed == 0 {
			return x
		}
		if time.Now().After(deadline) {
			x.Fatal("nothing is remembered")
		}
	}
}

// check compares a scan that remembers with one that reads everything.
func (x *indexed) check() *source.Scanned {
	x.Helper()
	want := scan(x, x.root, source.Options{})
	got := scan(x, x.root, source.Options{Indexes: x.indexes})
	if got.Digest() != want.Digest() {
		x.Errorf("got  %+v\nwant %+v", got.Files, want.Files)
	}
	return got
}

func scan(t testing.TB, root string, o source.Options) *source.Scanned {
	t.Helper()
	s, err := source.Scan(context.Background(), root, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// file is the only file among the indexes.
func (x *indexed) file() string {
	x.Helper()
	files, err := filepath.Glob(x.indexes + "/*")
	if err != nil || len(files) != 1 {
		x.Fatalf("indexes: %v, %v", files, err)
	}
	return files[0]
}

// mtime runs a change and gives a file the mtime that it had before.
func (x *indexed) keepMtime(name string, change func(path string)) {
	x.Helper()
	path := filepath.Join(x.root, name)
	info, err := os.Stat(path)
	if err != nil {
		x.Fatal(err)
	}
	change(path)
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		x.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// After each change the digest is that of the files as they are, and only what
// changed was read.
func TestIndexNoticesChanges(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*indexed)
		hashed int
	}{
		"nothing": {func(*indexed) {}, 0},
		"same size and mtime": {func(x *indexed) {
			x.keepMtime("a.py", func(p string) { put(x.T, p, "ONE") })
		}, 1},
		"mtime set back": {func(x *indexed) {
			put(x.T, x.root+"/a.py", "ONE")
			must(x, os.Chtimes(x.root+"/a.py", time.Unix(1, 0), time.Unix(1, 0)))
		}, 1},
		"renamed over": {func(x *indexed) {
			x.keepMtime("a.py", func(p string) {
				put(x.T, x.root+"/new", "ONE")
				must(x, os.Rename(x.root+"/new", p))
			})
		}, 1},
		"executable": {func(x *indexed) { must(x, os.Chmod(x.root+"/a.py", 0o755)) }, 1},
		"replaced by a link": {func(x *indexed) {
			must(x, os.Remove(x.root+"/a.py"))
			must(x, os.Symlink("b/c.py", x.root+"/a.py"))
		}, 1},
		"removed":         {func(x *indexed) { must(x, os.Remove(x.root+"/a.py")) }, 0},
		"added":           {func(x *indexed) { put(x.T, x.root+"/b/b.py", "four") }, 1},
		"index cut short": {func(x *indexed) { must(x, os.Truncate(x.file(), 100)) }, 3},
		"index emptied":   {func(x *indexed) { must(x, os.Truncate(x.file(), 0)) }, 3},
		"index is a directory": {func(x *indexed) {
			file := x.file()
			must(x, os.Remove(file))
			must(x, os.Mkdir(file, 0o700))
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newIndexed(t).settled()
			c.change(x)
			if got := x.check().Hashed; got != c.hashed {
				t.Errorf("%d files were read, want %d", got, c.hashed)
			}
			if name != "index is a directory" {
				x.check()
				x.file()
			}
		})
	}
}

// What a link points to may change without the link.
func TestIndexNoticesTargetOfLink(t *testing.T) {
	t.Parallel()
	x := newIndexed(t)
	must(t, os.Symlink("b/c.py", x.root+"/link"))
	x.settled()
	x.keepMtime("b/c.py", func(p string) { put(t, p, "TWO") })
	if got := x.check().Hashed; got != 2 {
		t.Errorf("%d files were read, want 2", got)
	}
}

// A change right after a scan falls into the same tick of the disk's clock: size,
// mtime and ctime are all as they were.
func TestIndexNoticesChangesAtOnce(t *testing.T) {
	t.Parallel()
	x := newIndexed(t)
	for i := range 100 {
		x.keepMtime("a.py", func(p string) { put(t, p, string([]byte{'a' + byte(i%26), 'n', 'e'})) })
		x.check()
	}
}

// Where no index can be written the scan is as right as with one.
func TestIndexCannotBeWritten(t *testing.T) {
	t.Parallel()
	x := newIndexed(t)
	x.indexes = filepath.Join(x.root, "a.py", "index")
	if got := x.check().Hashed; got != 3 {
		t.Errorf("%d files were read", got)
	}
}

func TestIndexOfScansAtOnce(t *testing.T) {
	t.Parallel()
	x := newIndexed(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 10 {
				x.check()
			}
		})
	}
	group.Wait()
	x.settled().check()
	x.file() // and nothing else was left behind
}

// A scan that is interrupted while it reads ends soon, and leaves nothing behind.
func TestInterruptedWhileHashing(t *testing.T) {
	t.Parallel()
	x := newIndexed(t)
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		put(t, x.root+"/"+name, "")
		must(t, os.Truncate(x.root+"/"+name, 99<<20)) // takes no room
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := source.Scan(ctx, x.root, source.Options{Indexes: x.indexes})
		ended <- err
	}()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		if begun, _ := filepath.Glob(x.indexes + "/*.tmp"); len(begun) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the scan never came to the files")
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if left, _ := filepath.Glob(x.indexes + "/*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
