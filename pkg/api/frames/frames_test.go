package frames

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func packFrames(t testing.TB, plain []byte, pieces int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	for len(plain) > 0 {
		n := min(pieces, len(plain))
		if _, err := w.Write(plain[:n]); err != nil {
			t.Fatal(err)
		}
		plain = plain[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zstd itself reads what is written, and dense content costs next to nothing.
func TestFramesAreZstd(t *testing.T) {
	noise := make([]byte, 5*Bytes+rawBlock+1)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	text := []byte(strings.Repeat("all work and no play\n", 2*Bytes/20))
	mixed := append(bytes.Clone(noise), bytes.Repeat(text, 20)...)
	for name, c := range map[string]struct {
		plain []byte
		most  int
	}{
		"noise": {noise, len(noise) + 500}, "text": {text, len(text) / 50}, "noise, then text": {mixed, len(noise) + 32*Bytes},
		"one byte": {[]byte("a"), 20},
	} {
		packed := packFrames(t, c.plain, 100_001)
		if len(packed) > c.most {
			t.Errorf("%s: %d bytes are %d", name, len(c.plain), len(packed))
		}
		cmd := exec.Command("zstd", "-dcq")
		cmd.Stdin = bytes.NewReader(packed)
		got, err := cmd.Output()
		if err != nil || !bytes.Equal(got, c.plain) {
			t.Errorf("%s: zstd reads %d bytes of %d, %v", name, len(got), len(c.plain), err)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("hello"), uint8(3), true)
	f.Fuzz(func(t *testing.T, seed []byte, times uint8, raw bool) {
		plain := bytes.Repeat(seed, int(times)*64)
		packed := packFrames(t, plain, len(plain)/3+1)
		if raw && len(plain) > 0 && len(plain) <= Bytes {
			packed = rawFrame(plain, nil)
		}
		z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderMaxWindow(Bytes))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes of %d, %v", len(got), len(plain), err)
		}
	})
}
