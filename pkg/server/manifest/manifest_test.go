package manifest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/treetest"
)

func TestCheck(t *testing.T) {
	file := func(path string) source.File { return source.File{Path: path, Size: 1, SHA256: treetest.DigestOf("x")} }
	long := strings.Repeat("x", 255)
	many := make([]source.File, 6)
	for i := range many {
		many[i] = source.File{Path: string(rune('a' + i)), Size: api.MaxFileBytes, SHA256: treetest.DigestOf("x")}
	}
	for name, c := range map[string]struct {
		files []source.File
		// want is part of the problem; empty when there is none.
		want string
	}{
		"empty":            {nil, ""},
		"plain":            {[]source.File{file(".env"), file("a b/c.py"), file("a.py"), file("a/b.py"), file(long), file("é")}, ""},
		"dots in names":    {[]source.File{file("..."), file("..a"), file("a..b")}, ""},
		"neighbours":       {[]source.File{file("a-b"), file("a.b"), file("a/b")}, ""},
		"unsorted":         {[]source.File{file("b"), file("a")}, "not sorted"},
		"twice":            {[]source.File{file("a"), file("a")}, "not sorted"},
		"file and folder":  {[]source.File{file("a"), file("a-b"), file("a/b")}, `"a" is a file and a directory`},
		"empty path":       {[]source.File{file("")}, "empty"},
		"absolute":         {[]source.File{file("/a")}, "plain relative"},
		"parent":           {[]source.File{file("a/../b")}, "plain relative"},
		"only parent":      {[]source.File{file("..")}, "plain relative"},
		"dot":              {[]source.File{file("./a")}, "plain relative"},
		"double slash":     {[]source.File{file("a//b")}, "plain relative"},
		"trailing slash":   {[]source.File{file("a/")}, "plain relative"},
		"backslash":        {[]source.File{file(`a\b`)}, "backslash"},
		"NUL":              {[]source.File{file("a\x00b")}, "control"},
		"newline":          {[]source.File{file("a\nb")}, "control"},
		"C1 control":       {[]source.File{file("a\u0085b")}, "control"},
		"bad UTF-8":        {[]source.File{file("a\xff")}, "UTF-8"},
		"long name":        {[]source.File{file(long + "x")}, "255"},
		"long path":        {[]source.File{file(strings.Repeat("x/", 512) + "x")}, "1024"},
		"upper case hex":   {[]source.File{{Path: "a", SHA256: strings.ToUpper(treetest.DigestOf("x"))}}, "hex"},
		"prefixed digest":  {[]source.File{{Path: "a", SHA256: "sha256:" + treetest.DigestOf("x")}}, "hex"},
		"negative":         {[]source.File{{Path: "a", Size: -1, SHA256: treetest.DigestOf("x")}}, "negative"},
		"large file":       {[]source.File{{Path: "a", Size: api.MaxFileBytes + 1, SHA256: treetest.DigestOf("x")}}, "bytes"},
		"large tree":       {many, "bytes"},
		"too many files":   {make([]source.File, api.MaxFiles+1), "50001 files"},
		"all faults named": {[]source.File{file("/a"), file("b\\"), file("a")}, `"b\\" has a backslash; "a" is not sorted after "b\\"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(source.Manifest{Files: c.files})
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// FuzzCheck takes any JSON. What is accepted can be laid out below a
// directory: every path is valid by fs.ValidPath and no file is in the way of
// another.
func FuzzCheck(f *testing.F) {
	f.Add(`{"files":[{"path":"a","size":1,"sha256":"` + treetest.DigestOf("x") + `"},{"path":"a/b","size":1,"sha256":"` + treetest.DigestOf("x") + `"}]}`)
	f.Add(`{"files":[{"path":"../a","size":1,"sha256":""}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var m source.Manifest
		if json.Unmarshal([]byte(text), &m) != nil {
			return
		}
		err := Check(m)
		var p *api.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("error %v is not a problem", err)
		}
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, file := range m.Files {
			if !fs.ValidPath(file.Path) || file.Path == "." || strings.ContainsAny(file.Path, "\\\x00") || !utf8.ValidString(file.Path) || file.Size < 0 {
				t.Fatalf("accepted %+v", file)
			}
			for dir := file.Path; strings.Contains(dir, "/"); {
				dir = dir[:strings.LastIndexByte(dir, '/')]
				if seen[dir] {
					t.Fatalf("accepted %q below a file", file.Path)
				}
			}
			seen[file.Path] = true
		}
		if len(seen) != len(m.Files) || !slices.IsSortedFunc(m.Files, func(a, b source.File) int { return strings.Compare(a.Path, b.Path) }) {
			t.Fatalf("accepted %+v", m)
		}
	})
}
