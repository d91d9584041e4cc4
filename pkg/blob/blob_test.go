package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func open(t *testing.T) (*Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blobs")
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, path
}

// files lists everything below the directory, with its mode.
func files(t *testing.T, path string) []string {
	t.Helper()
	out := []string{}
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == path {
			return err
		}
		info, err := e.Info()
		rel, _ := filepath.Rel(path, name)
		out = append(out, info.Mode().String()+" "+rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPutAndOpen(t *testing.T) {
	d, path := open(t)
	ctx := t.Context()
	digest := digestOf("hello")
	for range 2 {
		if err := d.Put(ctx, "1", digest, 5, strings.NewReader("hello")); err != nil {
			t.Fatal(err)
		}
	}
	f, err := d.Open("1", digest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
	if size, err := d.Size("1", digest); err != nil || size != 5 {
		t.Errorf("size %d, %v", size, err)
	}
	// Another scope does not see it.
	if _, err := d.Open("2", digest); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another scope: %v", err)
	}
	if has, err := d.Has("2", digest); has || err != nil {
		t.Errorf("another scope has it: %v, %v", has, err)
	}
	if got, want := files(t, path), []string{"drwx------ 1", "-rw------- 1/" + digest}; !slices.Equal(got, want) {
		t.Errorf("files are %q, want %q", got, want)
	}
}

func TestPutRefuses(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		size int64
		r    io.Reader
		want error
	}{
		"other bytes": {5, strings.NewReader("hellO"), ErrMismatch},
		"too short":   {6, strings.NewReader("hello"), ErrMismatch},
		"too long":    {4, strings.NewReader("hello"), ErrMismatch},
		"broken off":  {5, io.MultiReader(strings.NewReader("he"), iotest.ErrReader(broken)), broken},
	} {
		t.Run(name, func(t *testing.T) {
			d, path := open(t)
			if err := d.Put(t.Context(), "1", digestOf("hello"), c.size, c.r); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if got := files(t, path); !slices.Equal(got, []string{"drwx------ 1"}) {
				t.Errorf("left behind: %q", got)
			}
		})
	}
}

func TestPutEndsWithContext(t *testing.T) {
	d, path := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := d.PutStream(ctx, "1", strings.NewReader("hello")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := files(t, path); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
}

func TestNamesAreChecked(t *testing.T) {
	d, path := open(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), digestOf("x")), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{"", ".", "..", "a/b", "/", "A", "a\x00", strings.Repeat("a", 65)} {
		if err := d.Put(t.Context(), scope, digestOf("x"), 1, strings.NewReader("x")); err == nil {
			t.Errorf("Put took scope %q", scope)
		}
		if _, err := d.Open(scope, digestOf("x")); err == nil {
			t.Errorf("Open took scope %q", scope)
		}
		if _, _, err := d.DeleteScope(scope); err == nil {
			t.Errorf("DeleteScope took scope %q", scope)
		}
	}
	for _, digest := range []string{"", "..", "../" + digestOf("x"), strings.ToUpper(digestOf("x")), digestOf("x") + "0"} {
		if _, err := d.Open("1", digest); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open of %q: %v", digest, err)
		}
		if _, err := d.Missing("1", []string{digest}); err == nil {
			t.Errorf("Missing took %q", digest)
		}
	}
}

func TestMissingAndDeleteScope(t *testing.T) {
	d, path := open(t)
	a, b, c := digestOf("a"), digestOf("b"), digestOf("c")
	if got, err := d.Missing("1", []string{b, a, b}); err != nil || !slices.Equal(got, []string{b, a}) {
		t.Errorf("missing of no scope: %v, %v", got, err)
	}
	if digest, size, err := d.PutStream(t.Context(), "1", strings.NewReader("a")); err != nil || digest != a || size != 1 {
		t.Errorf("PutStream gave %s %d %v", digest, size, err)
	}
	if err := d.Put(t.Context(), "2", b, 1, strings.NewReader("b")); err != nil {
		t.Fatal(err)
	}
	// What a crash left is not a blob.
	if err := os.WriteFile(filepath.Join(path, "1", tempPrefix+"X"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Missing("1", []string{a, c, b}); err != nil || !slices.Equal(got, []string{c, b}) {
		t.Errorf("missing %v, %v", got, err)
	}
	if n, size, err := d.DeleteScope("1"); n != 1 || size != 1 || err != nil {
		t.Errorf("deleted %d, %d, %v", n, size, err)
	}
	if n, size, err := d.DeleteScope("1"); n != 0 || size != 0 || err != nil {
		t.Errorf("deleted again: %d, %d, %v", n, size, err)
	}
	if got := files(t, path); !slices.Equal(got, []string{"drwx------ 2", "-rw------- 2/" + b}) {
		t.Errorf("files are %q", got)
	}
}

func TestSameBlobAtOnce(t *testing.T) {
	d, path := open(t)
	content := bytes.Repeat([]byte("x"), 100_000)
	digest := digestOf(string(content))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := d.Put(t.Context(), "1", digest, int64(len(content)), iotest.OneByteReader(bytes.NewReader(content))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := files(t, path); len(got) != 2 {
		t.Errorf("files are %q", got)
	}
}
