package program

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/testbed"
)

// BenchmarkOwnTree is what each start pays for a copy of the tree: until the
// program can begin, with an overlay and with a copy, and what cp takes. bench
// reads its figures.
func BenchmarkOwnTree(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("only root can give files away")
	}
	dir, err := os.MkdirTemp("/var/tmp", "fngen-agent-bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	small, large := filepath.Join(dir, "small"), filepath.Join(dir, "large")
	benchTree(b, small)
	benchTree(b, large)
	asset := filepath.Join(large, "asset")
	if err := os.WriteFile(asset, nil, 0o640); err != nil {
		b.Fatal(err)
	}
	if err := os.Truncate(asset, 1e9); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name, from string
		copies     bool
	}{{"overlay", small, false}, {"overlay-and-1GB", large, false}, {"copy", small, true}} {
		t := &OwnTree{From: c.from, At: filepath.Join(dir, "app"), Bytes: 40e6, UID: testbed.UID, GID: testbed.UID, Copies: c.copies, Log: console.Logger{W: new(bytes.Buffer)}}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				d, err := t.open(Command{Path: "/bin/true"})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if (d == nil) != c.copies {
					b.Skip("this kernel mounts no overlay in a user namespace")
				}
				if d != nil {
					if err := d.shut(); err != nil {
						b.Fatal(err)
					}
				}
				for _, left := range []string{t.At, t.backing()} {
					if err := os.RemoveAll(left); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
			}
		})
	}
	b.Run("cp", func(b *testing.B) {
		to := filepath.Join(dir, "to")
		for b.Loop() {
			if out, err := exec.Command("cp", "--archive", "--reflink=auto", small, to).CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			b.StopTimer()
			if err := os.RemoveAll(to); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
}

// benchTree makes 2,000 files of 20 KB each, as a project's user has them.
func benchTree(b *testing.B, dir string) {
	b.Helper()
	content := bytes.Repeat([]byte("0123456789abcdef\n"), 20_000/17)
	for i := range 2000 {
		path := filepath.Join(dir, fmt.Sprintf("d%02d", i/50), fmt.Sprintf("f%d.py", i))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o640); err != nil {
			b.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, testbed.UID, testbed.UID)
	})
	if err != nil {
		b.Fatal(err)
	}
}
