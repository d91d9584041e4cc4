package blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// dense does not compress.
func dense(size int) string {
	out := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(out)
	return string(out)
}

var partID = strings.Repeat("ab", 32)

// begin opens a part and holds how much of it is there.
func begin(t *testing.T, d *Dir, size int, want int64) *Part {
	t.Helper()
	p, err := d.Part("1", partID, int64(size))
	if err != nil {
		t.Fatal(err)
	}
	if p.Offset() != want {
		t.Errorf("%d bytes are there, want %d", p.Offset(), want)
	}
	if known, err := d.PartOffset("1", partID, int64(size)); err != nil || known != want {
		t.Errorf("PartOffset: %d, %v; want %d", known, err, want)
	}
	return p
}

func finish(t *testing.T, d *Dir, p *Part, content string) {
	t.Helper()
	if err := p.Append(t.Context(), strings.NewReader(content[p.Offset():])); err != nil {
		t.Fatal(err)
	}
	digest, err := p.Keep()
	if err = errors.Join(err, p.Close()); err != nil || digest != digestOf(content) {
		t.Fatalf("kept %s, %v", digest, err)
	}
	f, err := view(t, d, "1").Open(digest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || string(got) != content {
		t.Errorf("the blob has %d bytes, %v", len(got), err)
	}
}

func TestPartGoesOn(t *testing.T) {
	broken := errors.New("broken")
	d, path := open(t)
	content := dense(stepBytes + stepBytes/2)
	at := 0
	for _, more := range []int{0, 1, 1000, blockBytes, stepBytes, 12345} {
		p := begin(t, d, len(content), int64(at))
		r := io.MultiReader(strings.NewReader(content[at:at+more]), iotest.ErrReader(broken))
		if err := p.Append(t.Context(), r); !errors.Is(err, broken) {
			t.Errorf("after %d: %v", at, err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		at += more
	}
	finish(t, d, begin(t, d, len(content), int64(at)), content)
	want := []string{"drwx------ 1", "-rw------- 1/" + digestOf(content), "drwx------ 1/parts"}
	if got := files(t, path); !slices.Equal(got, want) {
		t.Errorf("files are %q", got)
	}
}

// Whatever a crash leaves behind the last step, or instead of what was written
// down, the part goes on from where it is certain.
func TestPartAfterCrash(t *testing.T) {
	content := dense(1 << 20)
	for name, c := range map[string]struct {
		damage func(part, state string) error
		want   int64
	}{
		"more than was written down": {func(part, _ string) error {
			f, err := os.OpenFile(part, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("half a block")
			}
			return errors.Join(err, f.Close())
		}, 700_000},
		"less than was written down": {func(part, _ string) error { return os.Truncate(part, 699_999) }, 0},
		"nothing was written down":   {func(_, state string) error { return os.Remove(state) }, 0},
		"half was written down":      {func(_, state string) error { return os.Truncate(state, 40) }, 0},
		"a hash that is none": {func(_, state string) error {
			return os.WriteFile(state, []byte(`{"size":1048576,"offset":700000,"hash":"AAAA"}`), 0o600)
		}, 0},
		"no part": {func(part, _ string) error { return os.Remove(part) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d, path := open(t)
			p := begin(t, d, len(content), 0)
			if err := errors.Join(p.Append(t.Context(), strings.NewReader(content[:700_000])), p.Close()); err != nil {
				t.Fatal(err)
			}
			part := filepath.Join(path, "1", partDir, partID)
			if err := c.damage(part, part+stateSuffix); err != nil {
				t.Fatal(err)
			}
			p, err := d.Part("1", partID, int64(len(content)))
			if err != nil || p.Offset() != c.want {
				t.Fatalf("goes on at %d, %v; want %d", p.Offset(), err, c.want)
			}
			finish(t, d, p, content)
		})
	}
}

// A part of another size has nothing of this one.
func TestPartOfOtherSize(t *testing.T) {
	d, _ := open(t)
	p := begin(t, d, 1000, 0)
	if err := errors.Join(p.Append(t.Context(), strings.NewReader("hello")), p.Close()); err != nil {
		t.Fatal(err)
	}
	finish(t, d, begin(t, d, 7, 0), "another")
}

func TestPartRefuses(t *testing.T) {
	d, _ := open(t)
	p := begin(t, d, 5, 0)
	if err := p.Append(t.Context(), strings.NewReader("hello!")); !errors.Is(err, ErrMismatch) {
		t.Errorf("too much: %v", err)
	}
	p.Close()
	p = begin(t, d, 5, 0)
	if err := p.Append(t.Context(), strings.NewReader("hel")); err != nil {
		t.Errorf("less: %v", err)
	}
	if _, err := p.Keep(); err == nil {
		t.Error("a part that is not whole was kept")
	}
	p.Close()
	for _, id := range []string{"", "../x", strings.Repeat("AB", 32), "packs"} {
		if _, err := d.Part("1", id, 5); err == nil {
			t.Errorf("id %q is taken", id)
		}
	}
	if _, err := d.Part("../1", partID, 5); err == nil {
		t.Error("scope ../1 is taken")
	}
}

// A scope may have so many parts; old ones go, those in use stay.
func TestSweep(t *testing.T) {
	d, path := open(t)
	ids := []string{}
	for i := range maxParts + 1 {
		id := digestOf(string(rune('a' + i)))
		p, err := d.Part("1", id, 100)
		if i == maxParts {
			if !errors.Is(err, ErrParts) {
				t.Fatalf("part %d: %v", i, err)
			}
			break
		}
		if err = errors.Join(err, p.Append(t.Context(), strings.NewReader("x")), p.Close()); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := put(t, d, "1", digestOf("hello"), 5, strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1/" + tempPrefix + "x", "1/packs/" + tempPrefix + "y"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if used, err := d.Usage("1"); err != nil || used < maxParts+5+8 {
		t.Errorf("usage is %d, %v", used, err)
	}
	none := func(string, string) bool { return false }
	if err := d.Sweep(time.Now().Add(-time.Hour), none); err != nil || len(files(t, path)) < 2*maxParts {
		t.Errorf("young ones went: %v", err)
	}
	if err := d.Sweep(time.Now().Add(time.Hour), func(scope, id string) bool { return scope == "1" && id == ids[3] }); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"drwx------ 1", "-rw------- 1/" + digestOf("hello"), "drwx------ 1/packs", "drwx------ 1/parts",
		"-rw------- 1/parts/" + ids[3], "-rw------- 1/parts/" + ids[3] + stateSuffix,
	}
	got := files(t, path)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("left %q", got)
	}
}

// What is written down is read from a disk that may have been damaged: whatever it
// says, the blob has its own name in the end.
func FuzzPartState(f *testing.F) {
	sum := sha256.New()
	sum.Write([]byte("hello"))
	good := stateText(f, sum, true)
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"offset":5`), []byte(`"offset":4`), 1))
	sum.Write([]byte(", other"))
	f.Add(stateText(f, sum, false))
	f.Fuzz(func(t *testing.T, state []byte) {
		d, path := open(t)
		dir := filepath.Join(path, "1", partDir)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(dir+"/"+partID, []byte("hello"), 0o600),
			os.WriteFile(dir+"/"+partID+stateSuffix, state, 0o600)); err != nil {
			t.Fatal(err)
		}
		p, err := d.Part("1", partID, 11)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if p.Offset() < 0 || p.Offset() > 5 || bytes.Equal(state, good) && p.Offset() != 5 {
			t.Fatalf("goes on at %d", p.Offset())
		}
		if err := p.Append(t.Context(), bytes.NewReader([]byte("hello world")[p.Offset():])); err != nil || !p.Whole() {
			t.Fatalf("%v", err)
		}
		if digest, err := p.Keep(); err != nil || digest != digestOf("hello world") {
			t.Fatalf("it is called %s, %v", digest, err)
		}
	})
}

// stateText is a state file.
func stateText(t testing.TB, sum hash.Hash, check bool) []byte {
	t.Helper()
	state, err := (&Part{size: 11, offset: 5, sum: sum}).state()
	if err != nil {
		t.Fatal(err)
	}
	if !check {
		state.Check = nil
	}
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
