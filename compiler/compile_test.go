//go:build unix

package compiler_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata")

// Each case is a tree and what it means. Lines of the comment set the input:
// "project: shop", "entry: a.py", "regions: us-west", "pythons: 3.11 3.12",
// "powers: webapp", "domain: fngen.localhost".
// A section "want" holds the diagnostics as text, then the ir as JSON.
func TestCompile(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want, kept := "", archive.Files[:0]
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		kept = append(kept, f)
		write(t, filepath.Join(dir, f.Name), f.Data)
	}
	got := describe(t, dir, string(archive.Comment))
	if *update {
		archive.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := create(name, data); err != nil {
		t.Fatal(err)
	}
}

// create makes the file, or what its text asks for: "LINK target", "FIFO", "DIR",
// "SPARSE 101" for so many MiB that take no room, or "INDEX 100644 a.py" for a git
// index with one entry.
func create(name string, data []byte) error {
	what, value, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	switch what {
	case "LINK":
		return os.Symlink(value, name)
	case "DIR":
		return os.Mkdir(name, 0o755)
	case "INDEX":
		mode, file, _ := strings.Cut(value, " ")
		return os.WriteFile(name, gitIndex(mode, file), 0o644)
	case "FIFO":
		return syscall.Mkfifo(name, 0o644)
	case "SPARSE":
		size, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			return err
		}
		return os.Truncate(name, size<<20)
	}
	return os.WriteFile(name, unescape(data), 0o644)
}

// gitIndex is an index of one entry, of which only mode and name are set, without a
// checksum, as git writes one when it is in a hurry.
func gitIndex(mode, file string) []byte {
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		panic(err)
	}
	entry := make([]byte, 24, 70+len(file))
	entry = binary.BigEndian.AppendUint32(entry, uint32(bits))
	entry = append(entry, make([]byte, 32)...)
	entry = binary.BigEndian.AppendUint16(entry, uint16(len(file))) // the flags
	entry = append(entry, file...)
	entry = append(entry, make([]byte, 8-len(entry)%8)...)
	index := append([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x01"), entry...)
	return append(index, make([]byte, 20)...)
}

// unescape lets a case hold bytes that a text file cannot show.
func unescape(data []byte) []byte {
	for from, to := range map[string]string{"<NUL>": "\x00", "<CR>": "\r", "<TAB>": "\t", "<FF>": "\xff", "<ESC>": "\x1b", "<FE>": "\xfe", "<NOEOL>\n": ""} {
		data = bytes.ReplaceAll(data, []byte(from), []byte(to))
	}
	return data
}

func describe(t *testing.T, dir, comment string) string {
	settings := map[string]string{}
	for line := range strings.SplitSeq(comment, "\n") {
		if key, value, ok := strings.Cut(line, ": "); ok {
			settings[key] = strings.TrimSpace(value)
		}
	}
	path := dir
	if settings["file"] != "" {
		path = filepath.Join(dir, settings["file"])
	}
	scanned, err := source.Scan(context.Background(), path, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := compiler.Input{Tree: scanned.Tree, Entry: scanned.Entry, Project: settings["project"]}
	in.Target.Regions = strings.Fields(settings["regions"])
	in.Target.Pythons = strings.Fields(settings["pythons"])
	in.Target.Powers = strings.Fields(settings["powers"])
	in.Target.Domain = settings["domain"]
	project, diags := compiler.Compile(context.Background(), in)
	if (project == nil) != diags.HasErrors() {
		t.Errorf("project is %v, diagnostics %v", project, diags)
	}
	var out bytes.Buffer
	all := append(scanned.Diagnostics, diags...)
	if err := diag.Render(&out, all, false); err != nil {
		t.Fatal(err)
	}
	if settings["show"] == "files" {
		for _, d := range scanned.Decisions {
			line, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(append(line, '\n'))
		}
		return out.String()
	}
	if !all.HasErrors() {
		enc := json.NewEncoder(&out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(project); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}
