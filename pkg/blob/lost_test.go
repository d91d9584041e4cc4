package blob

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// hundred puts a hundred blobs, which are in one pack, and returns its path.
func hundred(t *testing.T, d *Dir, path string) string {
	t.Helper()
	putAll(t, d, numbers(100))
	packs, err := filepath.Glob(filepath.Join(path, "1", packDir, "*"+packSuffix))
	if err != nil || len(packs) != 1 {
		t.Fatalf("packs %q, %v", packs, err)
	}
	return packs[0]
}

func numbers(n int) (out []string) {
	for i := range n {
		out = append(out, strconv.Itoa(i))
	}
	return out
}

func putAll(t *testing.T, d *Dir, texts []string) {
	t.Helper()
	b, err := d.Batch("1")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if err := b.Put(t.Context(), digestOf(text), int64(len(text)), strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// readable are those of the texts that can be read from a new view; the others must
// be lost, or not there.
func readable(t *testing.T, d *Dir, texts []string) (out []string) {
	t.Helper()
	v := view(t, d, "1")
	for _, text := range texts {
		data, err := read(v, digestOf(text))
		switch {
		case err == nil && data == text:
			out = append(out, text)
		case err == nil:
			t.Errorf("%q is read as %q", text, data)
		case !errors.Is(err, ErrLost):
			t.Errorf("%q: %v", text, err)
		}
	}
	return out
}

func read(v *View, digest string) (string, error) {
	f, err := v.OpenKept(digest)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	return string(data), err
}

// A pack whose index is damaged is as if it were not there, and what was in it can
// be put again.
func TestDamagedPack(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"short":   func(good []byte) []byte { return good[:20] },
		"empty":   func([]byte) []byte { return nil },
		"cut":     func(good []byte) []byte { return good[:len(good)-1] },
		"index":   func(good []byte) []byte { good[200] ^= 1; return good },
		"a count": func(good []byte) []byte { good[len(good)-tailWidth+3] ^= 1; return good },
	} {
		d, path := open(t)
		pack := hundred(t, d, path)
		if d.Lossy("1") {
			t.Fatal("lossy from the beginning")
		}
		good, err := os.ReadFile(pack)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pack, damage(good), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := readable(t, d, numbers(100)); len(got) > 0 || !d.Lossy("1") {
			t.Errorf("%s: %q are there, lossy %v", name, got, d.Lossy("1"))
		}
		putAll(t, d, numbers(100))
		if got := readable(t, d, numbers(100)); len(got) != 100 {
			t.Errorf("%s: %d are there again", name, len(got))
		}
	}
}

// What is damaged within a pack is lost, and nothing else, also for a view that was
// opened before.
func TestDamagedInPack(t *testing.T) {
	d, path := open(t)
	pack := hundred(t, d, path)
	before := view(t, d, "1")
	if _, err := read(before, digestOf("3")); err != nil {
		t.Fatal(err)
	}
	late := view(t, d, "1") // has opened no pack yet
	data, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	data[11] ^= 1 // "10"
	if err := os.WriteFile(pack, data, 0o600); err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(numbers(100), func(text string) bool { return text == "10" })
	for range 2 {
		if got := readable(t, d, numbers(100)); !slices.Equal(got, want) {
			t.Errorf("there are %q", got)
		}
	}
	if has, err := view(t, d, "1").Has(digestOf("10")); has || err != nil {
		t.Errorf("the damaged one counts as there: %v, %v", has, err)
	}
	for _, v := range []*View{before, late} {
		if got, err := read(v, digestOf("99")); got != "99" || err != nil {
			t.Errorf("a view from before reads %q, %v", got, err)
		}
	}
	putAll(t, d, []string{"10"})
	if got := readable(t, d, numbers(100)); len(got) != 100 {
		t.Errorf("%d are there again", len(got))
	}
}

// A blob with a file of its own, and one that is gone with its pack or alone.
func TestLostFiles(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, file string){
		"deleted":   func(t *testing.T, file string) { must(t, os.Remove(file)) },
		"truncated": func(t *testing.T, file string) { must(t, os.Truncate(file, 3)) },
		"empty":     func(t *testing.T, file string) { must(t, os.Truncate(file, 0)) },
		"longer":    func(t *testing.T, file string) { must(t, os.WriteFile(file, []byte("hello, there"), 0o600)) },
		"another":   func(t *testing.T, file string) { must(t, os.WriteFile(file, []byte("hellO"), 0o600)) },
	} {
		d, path := open(t)
		putAll(t, d, []string{"hello"})
		damage(t, filepath.Join(path, "1", digestOf("hello")))
		if got := readable(t, d, []string{"hello"}); len(got) > 0 || !d.Lossy("1") {
			t.Errorf("%s: it is there, lossy %v", name, d.Lossy("1"))
		}
		if _, err := view(t, d, "1").Size(digestOf("hello")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: its size: %v", name, err)
		}
		putAll(t, d, []string{"hello"})
		if got := readable(t, d, []string{"hello"}); len(got) != 1 {
			t.Errorf("%s: it is not there again", name)
		}
	}
	d, path := open(t)
	pack := hundred(t, d, path)
	early := view(t, d, "1")
	must(t, os.Remove(pack))
	if _, err := read(early, digestOf("7")); !errors.Is(err, ErrLost) {
		t.Errorf("of a pack that is gone: %v", err)
	}
	if got := readable(t, d, numbers(100)); len(got) > 0 {
		t.Errorf("of a pack that is gone %q are there", got)
	}
	must(t, os.RemoveAll(filepath.Join(path, "1")))
	if got := readable(t, d, numbers(1)); len(got) > 0 {
		t.Errorf("of a scope that is gone %q are there", got)
	}
	putAll(t, d, numbers(100))
	if got := readable(t, d, numbers(100)); len(got) != 100 {
		t.Errorf("%d are there again", len(got))
	}
	if n, _, err := d.DeleteScope("1"); n != 100 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
}

// Readers at once find the same damage while what is lost is put again.
func TestLostAtOnce(t *testing.T) {
	d, path := open(t)
	pack := hundred(t, d, path)
	data, err := os.ReadFile(pack)
	must(t, err)
	for _, at := range []int{0, 11, 50, 100} {
		data[at] ^= 1
	}
	must(t, os.WriteFile(pack, data, 0o600))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { readable(t, d, numbers(100)) })
	}
	all.Wait()
	putAll(t, d, numbers(100))
	if got := readable(t, d, numbers(100)); len(got) != 100 {
		t.Errorf("%d are there again", len(got))
	}
}

// Verify finds damage without anybody having read the blob, also after it was found
// right.
func TestVerify(t *testing.T) {
	d, path := open(t)
	putAll(t, d, []string{"hello"})
	file, digest := filepath.Join(path, "1", digestOf("hello")), digestOf("hello")
	for range 2 {
		must(t, view(t, d, "1").Verify(digest, 5))
	}
	must(t, os.WriteFile(file, []byte("hellO"), 0o600))
	must(t, os.Chtimes(file, time.Now(), time.Now().Add(time.Second)))
	for range 2 {
		if err := view(t, d, "1").Verify(digest, 5); !errors.Is(err, ErrLost) {
			t.Errorf("damaged: %v", err)
		}
	}
	putAll(t, d, []string{"hello"})
	if err := view(t, d, "1").Verify(digest, 6); !errors.Is(err, ErrLost) {
		t.Errorf("of another size: %v", err)
	}
	must(t, view(t, d, "1").Verify(digest, 5))
	pack := hundred(t, d, path)
	must(t, view(t, d, "1").Verify(digestOf("3"), 1))
	must(t, os.Remove(pack))
	if err := view(t, d, "1").Verify(digestOf("3"), 1); !errors.Is(err, ErrLost) {
		t.Errorf("of a pack that is gone: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
