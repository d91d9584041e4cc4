// Package frames compresses streams in independent zstd frames, which can be made beside
// each other, and costs next to nothing where compression is of no use.
package frames

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	// Bytes is how much is compressed at once.
	Bytes = 1 << 20
	// rawFrames is how many frames go as they are after one that compression did
	// nothing for, before it is tried again: a film costs no processor time, and a
	// file whose beginning is dense is not lost.
	rawFrames = 31
	// rawBlock is the largest block of the format.
	rawBlock = 128 << 10
)

// Framer makes zstd frames of pieces of at most Bytes.
type Framer struct {
	encoder *zstd.Encoder
	raw     int // frames that still go as they are
}

// NewFramer is for one stream.
func NewFramer() (*Framer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(Bytes), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("start compression: %w", err)
	}
	return &Framer{encoder: encoder}, nil
}

// Append appends plain as a frame to out.
func (f *Framer) Append(plain, out []byte) []byte {
	if f.raw > 0 {
		f.raw--
		return rawFrame(plain, out)
	}
	begin := len(out)
	out = f.encoder.EncodeAll(plain, out)
	if len(out)-begin > len(plain)-len(plain)/32 {
		f.raw = rawFrames
	}
	return out
}

// Writer compresses a stream in frames, without a try where that is of no
// use. Close ends the last one.
type Writer struct {
	w          io.Writer
	framer     *Framer
	plain, out []byte
}

// NewWriter compresses into w.
func NewWriter(w io.Writer) (*Writer, error) {
	f, err := NewFramer()
	return &Writer{w: w, framer: f, plain: make([]byte, 0, Bytes)}, err
}

func (f *Writer) Write(p []byte) (int, error) {
	for written := 0; ; {
		n := min(len(p)-written, Bytes-len(f.plain))
		f.plain = append(f.plain, p[written:written+n]...)
		if written += n; written == len(p) {
			return written, nil
		}
		if err := f.flush(); err != nil {
			return written, err
		}
	}
}

// Close sends what is left.
func (f *Writer) Close() error { return f.flush() }

func (f *Writer) flush() error {
	if len(f.plain) == 0 {
		return nil
	}
	f.out = f.framer.Append(f.plain, f.out[:0])
	f.plain = f.plain[:0]
	_, err := f.w.Write(f.out)
	return err
}

// rawFrame appends a frame of raw blocks (RFC 8878, sections 3.1.1 and 3.1.1.2).
func rawFrame(plain, out []byte) []byte {
	// Magic number; a frame in a single segment whose size has 4 bytes.
	out = append(out, 0x28, 0xb5, 0x2f, 0xfd, 0xa0)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(plain)))
	for {
		block := plain[:min(rawBlock, len(plain))]
		plain = plain[len(block):]
		head := uint32(len(block)) << 3
		if len(plain) == 0 {
			head |= 1 // the last
		}
		out = append(out, byte(head), byte(head>>8), byte(head>>16))
		if out = append(out, block...); len(plain) == 0 {
			return out
		}
	}
}
