package delta_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/delta"
)

func file(path, text string) source.File {
	sum := sha256.Sum256([]byte(text))
	return source.File{Path: path, Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), Executable: strings.HasSuffix(path, ".sh")}
}

// manifestOf makes files of "path=text" words.
func manifestOf(words ...string) source.Manifest {
	m := source.Manifest{Files: []source.File{}}
	for _, w := range words {
		path, text, _ := strings.Cut(w, "=")
		m.Files = append(m.Files, file(path, text))
	}
	m.Sort()
	return m
}

func encode(t testing.TB, base, next source.Manifest) []byte {
	t.Helper()
	d, err := delta.Encode(base, next)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestThereAndBack(t *testing.T) {
	for _, c := range [][2]source.Manifest{
		{manifestOf(), manifestOf()},
		{manifestOf(), manifestOf("a.py=1", "b/c.py=2", "b/cd.py=2", "run.sh=x")},
		{manifestOf("a.py=1", "b/c.py=2"), manifestOf()},
		{manifestOf("a=1", "b=1", "c=1"), manifestOf("a=1", "b=2", "c=1")},
		{manifestOf("a=1", "b=1", "c=1"), manifestOf("aa=1", "c=1", "d=4")},
		{manifestOf("a=1"), manifestOf("a=1")},
	} {
		d := encode(t, c[0], c[1])
		got, err := delta.Apply(c[0], d)
		if err != nil || !slices.Equal(got.Files, c[1].Files) {
			t.Errorf("%v -> %v: %v, %v", c[0], c[1], got, err)
		}
	}
}

// A change of one file among many takes its path, its digest and little more.
func TestOneChangeIsSmall(t *testing.T) {
	var words []string
	for i := range 10_000 {
		words = append(words, fmt.Sprintf("package/module_%05d.py=%d", i, i))
	}
	base := manifestOf(words...)
	words[5000] = "package/module_05000.py=changed"
	if d := encode(t, base, manifestOf(words...)); len(d) > 80 {
		t.Errorf("%d bytes", len(d))
	}
}

func TestRefuses(t *testing.T) {
	base := manifestOf("a=1", "b=2")
	good := encode(t, base, manifestOf("a=1", "c=3"))
	long := []source.File{}
	for i := range 17_000 { // each path shares all but its end with the one before
		long = append(long, file(fmt.Sprintf("%s/%05d", strings.Repeat("x", 1010), i), ""))
	}
	for name, c := range map[string]struct {
		delta []byte
		err   error
	}{
		"nothing":              {nil, delta.ErrMalformed},
		"cut":                  {good[:len(good)-1], delta.ErrMalformed},
		"more":                 {append(slices.Clone(good), 0), delta.ErrMalformed},
		"keep in two runs":     {[]byte{1<<2 | 2, 1<<2 | 2}, delta.ErrMalformed},
		"a long varint":        {[]byte{0x80 | 2<<2 | 2, 0}, delta.ErrMalformed},
		"more than the base":   {[]byte{3<<2 | 2}, delta.ErrMalformed},
		"no such operation":    {[]byte{2<<2 | 3}, delta.ErrMalformed},
		"no file":              {[]byte{2}, delta.ErrMalformed},
		"a huge run":           {append(bytes.Repeat([]byte{0xff}, 9), 1), delta.ErrMalformed},
		"too many files":       {[]byte{0x80 | 1, 0x80, 0x80, 1}, delta.ErrTooLarge},
		"dropped and put back": {append([]byte{1<<2 | 2, 1 << 2}, encode(t, manifestOf(), manifestOf("b=2"))...), delta.ErrMalformed},
		"too long in all":      {append([]byte{2 << 2}, encode(t, manifestOf(), source.Manifest{Files: long})...), delta.ErrTooLarge},
	} {
		if _, err := delta.Apply(base, c.delta); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
}

// FuzzDelta takes bytes as two manifests: what leads from one to the other leads
// there, and is the only text that does so.
func FuzzDelta(f *testing.F) {
	f.Add(uint64(1), []byte{})
	f.Fuzz(func(t *testing.T, seed uint64, noise []byte) {
		rng := rand.New(rand.NewPCG(seed, 0))
		base, next := randomManifest(rng), randomManifest(rng)
		d := encode(t, base, next)
		got, err := delta.Apply(base, d)
		if err != nil || !slices.Equal(got.Files, next.Files) {
			t.Fatalf("%v -> %v: %v, %v", base, next, got, err)
		}
		for i, b := range noise {
			if i < len(d) {
				d[(i*7)%len(d)] ^= b
			}
		}
		checkApplied(t, base, d)
	})
}

// FuzzApply takes bytes as they are.
func FuzzApply(f *testing.F) {
	base := manifestOf("a.py=1", "b/c.py=2", "run.sh=3")
	f.Add(encode(f, base, manifestOf("a.py=2", "b/c.py=2", "b/d.py=2")))
	f.Add(encode(f, base, base))
	f.Fuzz(func(t *testing.T, d []byte) {
		checkApplied(t, base, d)
		checkApplied(t, source.Manifest{}, d)
	})
}

// checkApplied holds that what is accepted is sorted and the text of its change.
func checkApplied(t *testing.T, base source.Manifest, d []byte) {
	m, err := delta.Apply(base, d)
	if err != nil {
		if !errors.Is(err, delta.ErrMalformed) && !errors.Is(err, delta.ErrTooLarge) {
			t.Fatalf("error %v", err)
		}
		return
	}
	for i := 1; i < len(m.Files); i++ {
		if m.Files[i-1].Path >= m.Files[i].Path {
			t.Fatalf("%q before %q", m.Files[i-1].Path, m.Files[i].Path)
		}
	}
	if again := encode(t, base, m); !bytes.Equal(again, d) {
		t.Fatalf("accepted %x, writes %x", d, again)
	}
}

func randomManifest(rng *rand.Rand) source.Manifest {
	var words []string
	for _, path := range []string{"a", "a.sh", "ab", "b/c", "b/cd", "é"} {
		if n := rng.IntN(3); n > 0 {
			words = append(words, fmt.Sprintf("%s=%d", path, n))
		}
	}
	return manifestOf(words...)
}
