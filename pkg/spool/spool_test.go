package spool

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, dir string, limit int64) *Spool {
	t.Helper()
	s, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func add(t *testing.T, s *Spool, records ...string) {
	t.Helper()
	for _, r := range records {
		if n, err := s.Append([]byte(r)); n != 1 || err != nil {
			t.Fatalf("append %d bytes: %d, %v", len(r), n, err)
		}
	}
}

// take hands on all that is there, in batches of a size.
func take(t *testing.T, s *Spool, size int64) []string {
	t.Helper()
	var out []string
	for {
		records, mark, err := s.Next(size)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return out
		}
		for _, r := range records {
			out = append(out, string(r))
		}
		s.Done(mark)
	}
}

func numbered(from, to, size int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("%06d%s", i, strings.Repeat("x", size)))
	}
	return out
}

func TestInOrder(t *testing.T) {
	s := open(t, t.TempDir(), 64<<20)
	want := numbered(0, 3000, 1000) // three segments
	add(t, s, want...)
	if got := take(t, s, 10_000); !slices.Equal(got, want) {
		t.Errorf("got %d records of %d", len(got), len(want))
	}
	if s.Size() != 0 {
		t.Errorf("%d bytes are left", s.Size())
	}
	add(t, s, "again")
	if got := take(t, s, 1); !slices.Equal(got, []string{"again"}) {
		t.Errorf("got %q", got)
	}
	if left, _ := filepath.Glob(s.dir + "/*" + suffix); len(left) > 1 {
		t.Errorf("%d segments are left", len(left))
	}
}

func TestStaysOverDeath(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 64<<20)
	want := numbered(0, 2500, 1000)
	add(t, s, want...)
	records, mark, err := s.Next(100_000)
	if err != nil {
		t.Fatal(err)
	}
	s.Done(mark)
	// What was handed on and not marked is handed on again, and all after it.
	if _, _, err := s.Next(100_000); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, 64<<20)
	more := numbered(2500, 2600, 1000)
	add(t, again, more...)
	if got := take(t, again, 50_000); !slices.Equal(got, append(want[len(records):], more...)) {
		t.Errorf("got %d records, not %d", len(got), len(want)-len(records)+len(more))
	}
}

func TestSkipsWhatIsBroken(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"torn":    func(b []byte) []byte { return b[:len(b)-3] },
		"zeroes":  func(b []byte) []byte { return append(b, make([]byte, 4096)...) },
		"flipped": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"head":    func(b []byte) []byte { return append(b, 1, 2) },
	} {
		dir := t.TempDir()
		s := open(t, dir, 64<<20)
		add(t, s, "one", "two", "last")
		path := s.path(1)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
		again := open(t, dir, 64<<20)
		add(t, again, "new")
		got := take(t, again, 1<<20)
		if len(got) < 3 || !slices.Equal(got[:2], []string{"one", "two"}) || got[len(got)-1] != "new" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestBound(t *testing.T) {
	s := open(t, t.TempDir(), 3<<20)
	record := bytes.Repeat([]byte("x"), 100_000)
	n := 0
	for ; ; n++ {
		taken, err := s.Append(record)
		if err != nil {
			t.Fatal(err)
		}
		if taken == 0 {
			break
		}
	}
	lost := s.DropOldest()
	if taken, err := s.Append(record); lost == 0 || taken != 1 || err != nil {
		t.Errorf("lost %d; then %d fit, %v", lost, taken, err)
	}
	if got := take(t, s, 1<<20); len(got) != n-lost+1 {
		t.Errorf("%d of %d are left, and %d were lost", len(got), n+1, lost)
	}
	if _, err := s.Append(make([]byte, MaxRecord+1)); err == nil {
		t.Error("a record of any size fits")
	}
}

// TestDropWhileHandedOn drops what is just being handed on.
func TestDropWhileHandedOn(t *testing.T) {
	s := open(t, t.TempDir(), 64<<20)
	add(t, s, numbered(0, 2500, 1000)...)
	_, mark, err := s.Next(1000)
	if err != nil {
		t.Fatal(err)
	}
	lost := s.DropOldest()
	s.Done(mark)
	if got := take(t, s, 1<<20); len(got) != 2500-lost {
		t.Errorf("%d are left, and %d were lost", len(got), lost)
	}
}

func TestManyWriters(t *testing.T) {
	s := open(t, t.TempDir(), 256<<20)
	const writers, each = 8, 2000
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				if n, err := s.Append([]byte(fmt.Sprintf("%d %06d%s", w, i, strings.Repeat("x", 200)))); n != 1 || err != nil {
					t.Errorf("append: %d, %v", n, err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	var got []string
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		got = append(got, take(t, s, 20_000)...)
	}
	last := map[byte]string{}
	for _, r := range got {
		if r <= last[r[0]] {
			t.Fatalf("%.8q comes after %.8q", r, last[r[0]])
		}
		last[r[0]] = r
	}
	if len(got) != writers*each {
		t.Errorf("%d of %d", len(got), writers*each)
	}
}

// FuzzOpen opens segments and positions of any content.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	s, err := Open(dir, 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := s.Append([]byte("record")); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(s.path(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, []byte{})
	f.Add(append(whole, whole...), []byte("12345678901234567890"))
	f.Fuzz(func(t *testing.T, segment, position []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "0000000000000001"+suffix), segment, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, positionFile), position, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, 64<<20)
		add(t, s, "new")
		if got := take(t, s, 1000); len(got) == 0 || got[len(got)-1] != "new" {
			t.Errorf("got %q", got)
		}
	})
}
