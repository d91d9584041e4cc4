package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

var (
	digestA = strings.Repeat("a", 64)
	digestB = strings.Repeat("b", 64)
)

func header(digest string, size int64) string { return fmt.Sprintf("%s %016x\n", digest, size) }

// readAll reads a stream to its end; skip leaves the contents unread.
func readAll(r io.Reader, skip bool) (text string, err error) {
	var out strings.Builder
	blobs := NewBlobReader(r)
	for {
		digest, size, content, err := blobs.Next()
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			return out.String(), err
		}
		fmt.Fprintf(&out, "%.4s %d", digest, size)
		if !skip {
			b, err := io.ReadAll(content)
			if err != nil {
				return out.String(), err
			}
			fmt.Fprintf(&out, " %s", b)
		}
		out.WriteByte('\n')
	}
}

func TestBlobStream(t *testing.T) {
	var buf bytes.Buffer
	w := NewBlobWriter(&buf)
	for _, s := range []string{"one", "", "three"} {
		if err := w.Write(digestA, int64(len(s)), strings.NewReader(s)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := readAll(bytes.NewReader(buf.Bytes()), false); err != nil || got != "aaaa 3 one\naaaa 0 \naaaa 5 three\n" {
		t.Errorf("read %q, %v", got, err)
	}
	if got, err := readAll(bytes.NewReader(buf.Bytes()), true); err != nil || got != "aaaa 3\naaaa 0\naaaa 5\n" {
		t.Errorf("skipping read %q, %v", got, err)
	}
	if err := w.Write(digestA, 9, strings.NewReader("short")); !errors.Is(err, io.EOF) {
		t.Errorf("a file that shrank: %v", err)
	}
	if err := w.Write("../etc/passwd", 0, strings.NewReader("")); !errors.Is(err, ErrBlobStream) {
		t.Errorf("a digest that is none: %v", err)
	}
}

func TestBlobStreamFaults(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"cut header":      {header(digestA, 1)[:40], io.ErrUnexpectedEOF},
		"cut content":     {header(digestA, 5) + "four", io.ErrUnexpectedEOF},
		"upper case":      {header(strings.ToUpper(digestA), 0), ErrBlobStream},
		"no space":        {strings.Replace(header(digestA, 0), " ", "0", 1), ErrBlobStream},
		"no newline":      {header(digestA, 0)[:headerWidth-1] + "x", ErrBlobStream},
		"signed size":     {digestA + " -000000000000001\n", ErrBlobStream},
		"size overflows":  {digestA + " ffffffffffffffff\n", ErrBlobStream},
		"one file over":   {header(digestA, MaxFileBytes+1), ErrBlobTooLarge},
		"too many blobs":  {strings.Repeat(header(digestA, 0), MaxFiles+1), ErrBlobTooLarge},
		"nothing is fine": {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			// A cut content shows when the next blob is asked for.
			if _, err := readAll(strings.NewReader(c.in), true); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestBlobStreamTotal(t *testing.T) {
	var in io.Reader = strings.NewReader("")
	for range MaxTreeBytes/MaxFileBytes + 1 {
		in = io.MultiReader(in, strings.NewReader(header(digestB, MaxFileBytes)), io.LimitReader(zeros{}, MaxFileBytes))
	}
	if _, err := readAll(in, true); !errors.Is(err, ErrBlobTooLarge) {
		t.Errorf("error %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// FuzzBlobReader reads any bytes. Whatever is accepted must come out the same
// when it is written again.
func FuzzBlobReader(f *testing.F) {
	f.Add([]byte(header(digestA, 3) + "one" + header(digestB, 0)))
	f.Add([]byte(header(digestA, 3) + "on"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var again bytes.Buffer
		w := NewBlobWriter(&again)
		r := NewBlobReader(bytes.NewReader(in))
		for {
			digest, size, content, err := r.Next()
			if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				if !bytes.Equal(in, again.Bytes()) {
					t.Fatalf("read %q, wrote %q", in, again.Bytes())
				}
				return
			}
			if err != nil {
				return
			}
			if size < 0 || size > MaxFileBytes {
				t.Fatalf("size %d", size)
			}
			if err := w.Write(digest, size, content); err != nil {
				return // the content is cut
			}
		}
	})
}
