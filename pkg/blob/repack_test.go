package blob

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// packOf keeps many small blobs in one pack and returns their contents.
func packOf(t *testing.T, d *Dir, scope, what string) []string {
	t.Helper()
	b, err := d.Batch(scope)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for i := range 2 * fewBlobs {
		text := fmt.Sprintf("%s %d %s", what, i, strings.Repeat("x", 1000))
		texts = append(texts, text)
		if err := b.Put(t.Context(), digestOf(text), int64(len(text)), strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return texts
}

func packsIn(t *testing.T, path, scope string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(path, scope, packDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantText(t *testing.T, v *View, text string) {
	t.Helper()
	f, err := v.Open(digestOf(text))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != text {
		t.Errorf("%.20q is %.20q, %v", text, got, err)
	}
}

// TestRepack sweeps packs of which little is used: they become one, with what is used,
// and who had opened the scope before reads on. One of which most is used stays as it
// is, and so does one that is young.
func TestRepack(t *testing.T) {
	d, path := open(t)
	used := map[string]bool{}
	var kept, gone []string
	for _, what := range []string{"a", "b"} {
		texts := packOf(t, d, "1", what)
		kept, gone = append(kept, texts[:3]...), append(gone, texts[3:]...)
	}
	kept = append(kept, packOf(t, d, "1", "well filled")...)
	for _, text := range kept {
		used[digestOf(text)] = true
	}
	before := view(t, d, "1")
	wantText(t, before, kept[0]) // it has one of the packs open
	was, err := d.Usage("1")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := d.SweepUnused("1", time.Now().Add(-time.Hour), func(digest string) bool { return used[digest] }); n != 0 || err != nil {
		t.Errorf("%d bytes of young packs went, %v", n, err)
	}
	n, err := d.SweepUnused("1", time.Now().Add(time.Hour), func(digest string) bool { return used[digest] })
	now, usageErr := d.Usage("1")
	if err != nil || usageErr != nil || n < 50_000 || now > was-n+10_000 {
		t.Errorf("%d of %d bytes went, %d are left: %v, %v", n, was, now, err, usageErr)
	}
	if left := packsIn(t, path, "1"); len(left) != 2 {
		t.Errorf("packs are %q", left)
	}
	for _, v := range []*View{before, view(t, d, "1")} {
		for _, text := range kept {
			wantText(t, v, text)
		}
	}
	after := view(t, d, "1")
	for _, text := range gone {
		if has, err := after.Has(digestOf(text)); has || err != nil {
			t.Errorf("%.20q is there: %t, %v", text, has, err)
		}
	}
	if d.Lossy("1") {
		t.Error("something counts as lost")
	}
}

// TestRepackLeavesTheDamaged spoils what is used of a pack: it stays, so that who reads
// it finds out.
func TestRepackLeavesTheDamaged(t *testing.T) {
	d, path := open(t)
	texts := packOf(t, d, "1", "a")
	packs := packsIn(t, path, "1")
	data, err := os.ReadFile(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	damaged := strings.Replace(string(data), texts[0], strings.ToUpper(texts[0]), 1)
	if err := os.WriteFile(packs[0], []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	one := func(digest string) bool { return digest == digestOf(texts[0]) }
	if n, err := d.SweepUnused("1", time.Now().Add(time.Hour), one); n != 0 || err != nil {
		t.Errorf("%d bytes went, %v", n, err)
	}
	if left := packsIn(t, path, "1"); len(left) != 1 || left[0] != packs[0] {
		t.Errorf("packs are %q, were %q", left, packs)
	}
}
