package source_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/source"
)

const laterFrom = 100

// later scans a tree in which one file is left unread.
func later(t *testing.T, x *indexed) *source.Scanned {
	t.Helper()
	return scan(t, x.root, source.Options{Indexes: x.indexes, Later: laterFrom})
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// unread finds the only file that has no digest.
func unread(t *testing.T, s *source.Scanned) int {
	t.Helper()
	found := -1
	for n, f := range s.Files {
		if (f.SHA256 == "") != s.Unread(n) {
			t.Errorf("%s: unread %v, digest %q", f.Path, s.Unread(n), f.SHA256)
		}
		if s.Unread(n) {
			if found >= 0 {
				t.Fatalf("%s and %s are unread", s.Files[found].Path, f.Path)
			}
			found = n
		}
	}
	return found
}

// A file that is read later has the digest that it would have had, and is not
// read again.
func TestReadLater(t *testing.T) {
	t.Parallel()
	x := newIndexed(t)
	text := strings.Repeat("film", 100)
	put(t, x.root+"/b/big", text)
	x.settled() // times that can be believed
	must(t, os.Remove(x.file()))
	s := later(t, x)
	n := unread(t, s)
	if n < 0 || s.Whole() || s.Hashed != 3 || s.Files[n].Path != "b/big" || s.Files[n].Size != 400 {
		t.Fatalf("%+v", s)
	}
	for range 2 { // a reading that breaks off counts for nothing
		r, err := s.Read(n)
		must(t, err)
		_, err = io.CopyN(io.Discard, r, 300)
		must(t, err)
		if _, err := r.Settle(); err == nil {
			t.Error("a file was settled that was not read to its end")
		}
		r.Close()
	}
	r, err := s.Read(n)
	must(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	must(t, err)
	digest, err := r.Settle()
	if err != nil || string(got) != text || digest != sum(text) || s.Files[n].SHA256 != digest || !s.Whole() {
		t.Errorf("%s, %v, %d bytes", digest, err, len(got))
	}
	if want := scan(t, x.root, source.Options{}); s.Digest() != want.Digest() {
		t.Errorf("the digest is %s, not %s", s.Digest(), want.Digest())
	}
	s.Remember()
	if s := later(t, x); s.Hashed != 0 || !s.Whole() {
		t.Errorf("%d files were read again", s.Hashed)
	}
	if _, err := s.Read(n); err == nil {
		t.Error("a file with a digest was read")
	}
}

// A file that is not as it was found, or does not stay as it is, is no content.
func TestReadLaterOfChangingFile(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("film", 100)
	for name, c := range map[string]struct {
		before, within func(path string) error
	}{
		"shorter before": {before: func(p string) error { return os.Truncate(p, 399) }},
		"longer before":  {before: func(p string) error { return os.Truncate(p, 401) }},
		"gone":           {before: os.Remove},
		"a directory":    {before: func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }},
		"shrinks":        {within: func(p string) error { return os.Truncate(p, 250) }},
		"grows":          {within: func(p string) error { return os.Truncate(p, 401) }},
		"written":        {within: func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("pilm", 100)), 0o600) }},
	} {
		t.Run(name, func(t *testing.T) {
			x := newIndexed(t)
			path := x.root + "/b/big"
			put(t, path, text)
			s := later(t, x)
			n := unread(t, s)
			if c.before != nil {
				must(t, c.before(path))
			}
			r, err := s.Read(n)
			if err == nil {
				defer r.Close()
				_, err = io.CopyN(io.Discard, r, 200)
			}
			if c.within != nil {
				must(t, err)
				must(t, c.within(path))
			}
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if err == nil || name != "gone" && name != "a directory" && !errors.Is(err, source.ErrChanged) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Another file in its place is another upload, or the same when nothing differs.
func TestIdentity(t *testing.T) {
	t.Parallel()
	x := newIndexed(t)
	put(t, x.root+"/b/big", strings.Repeat("film", 100))
	first, again := later(t, x), later(t, x)
	n := unread(t, first)
	if first.Identity(n) != again.Identity(n) || len(first.Identity(n)) != 64 {
		t.Errorf("%s, %s", first.Identity(n), again.Identity(n))
	}
	put(t, x.root+"/b/big", strings.Repeat("pilm", 100))
	if other := later(t, x); other.Identity(n) == first.Identity(n) {
		t.Error("a changed file has the same identity")
	}
}

// What was young when it was scanned is not believed because another file took
// long to be sent.
func TestRememberIsOfTheScan(t *testing.T) {
	t.Parallel()
	x := newIndexed(t)
	put(t, x.root+"/b/big", strings.Repeat("film", 100))
	s := later(t, x)
	newIndexed(t).settled() // the files of x would be old enough by now
	r, err := s.Read(unread(t, s))
	must(t, err)
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	must(t, err)
	_, err = r.Settle()
	must(t, err)
	s.Remember()
	if again := scan(t, x.root, source.Options{Indexes: x.indexes}); again.Hashed != 4 {
		t.Errorf("%d files were read again, want 4", again.Hashed)
	}
}
