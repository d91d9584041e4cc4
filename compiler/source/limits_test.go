package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/diag"
)

// filled is a directory of so many files, and of other directories.
func filled(prefix string, files int, children ...*node) *node {
	n := &node{prefix: prefix}
	for _, child := range children {
		n.items = append(n.items, item{path: strings.TrimSuffix(child.prefix, "/"), isDir: true, child: child})
	}
	for i := range files {
		n.items = append(n.items, item{path: fmt.Sprintf("%sx%05d", prefix, i), ships: true})
	}
	return n
}

// Who pushes too many files is told where they are: not that all are in "data",
// but which of its directories are full.
func TestTooManyFiles(t *testing.T) {
	root := filled("", 10,
		filled("code/", 100),
		filled("data/", 0, filled("data/few/", 7), filled("data/many/", 40_000), filled("data/more/", 20_000)))
	d := finished(t, root)
	if !strings.Contains(d.Message, "60117 files") || len(d.Notes) != 3 {
		t.Fatalf("%+v", d)
	}
	for i, want := range []string{"data/many/ 40000 files", "data/more/ 20000 files", "data/few/ 7 files"} {
		if got := d.Notes[i].File + " " + d.Notes[i].Message; got != want {
			t.Errorf("note %d: %q, want %q", i, got, want)
		}
	}
}

// A walk that was broken off gives no list: which files it met is chance.
func TestFarTooManyFiles(t *testing.T) {
	w := &walker{}
	w.ships.Store(enough + 1)
	s, err := w.finish(context.Background(), filled("", 3), "", Options{ListOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Diagnostics) != 1 || s.Diagnostics[0].Code != "FN1007" || s.Decisions != nil || len(s.Files) != 0 {
		t.Errorf("%+v", s)
	}
}

func finished(t *testing.T, root *node) diag.Diagnostic {
	t.Helper()
	s, err := (&walker{}).finish(context.Background(), root, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Diagnostics) != 1 || s.Diagnostics[0].Code != "FN1007" || len(s.Files) != 0 {
		t.Fatalf("%+v", s.Diagnostics)
	}
	return s.Diagnostics[0]
}

// What is one byte over a limit says so, and nothing of it is read: a sparse file
// of 10 TiB takes no room and would take hours.
func TestTooLarge(t *testing.T) {
	for name, c := range map[string]struct {
		files []int64
		want  string
	}{
		"2 GiB":            {[]int64{MaxFileSize}, ""},
		"2 GiB and 1 byte": {[]int64{MaxFileSize + 1}, `"0.bin" has 2147483649 bytes, 1 too many; a file may have 2 GiB`},
		"10 TiB":           {[]int64{10 << 40}, `"0.bin" has 10240 GiB; a file may have 2 GiB`},
		"5 GiB":            {[]int64{MaxFileSize, MaxFileSize, 1 << 30}, ""},
		"5 GiB and 1 byte": {[]int64{MaxFileSize, MaxFileSize, 1<<30 + 1}, "the tree has 5368709121 bytes, 1 too many; it may have 5 GiB"},
		"6 GiB":            {[]int64{MaxFileSize, MaxFileSize, MaxFileSize}, "the tree has 6 GiB; it may have 5 GiB"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, size := range c.files {
				path := filepath.Join(dir, fmt.Sprintf("%d.bin", i))
				if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, size)); err != nil {
					t.Skip(err) // the disk has smaller files only
				}
			}
			s, err := Scan(t.Context(), dir, Options{Later: 1})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, d := range s.Diagnostics {
				if d.Severity == diag.Error {
					got += d.Message
				}
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
