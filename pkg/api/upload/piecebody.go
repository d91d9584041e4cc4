package upload

import (
	"context"
	"errors"
	"io"
	"sync"

	"fngen.dev/fngen/pkg/api/frames"
)

// framesAhead is how many frames are made before they can be sent.
const framesAhead = 3

// pieceBody is the body of a request that sends a piece. Reading with hashing,
// compressing, and sending go on at the same time.
type pieceBody struct {
	upload *Request
	piece  *piece
	frames chan frame
	free   chan []byte
	cancel context.CancelFunc
	work   sync.WaitGroup
	failed error // why reading ended
	whole  bool  // the end was read

	now  frame
	sent int
}

// frame is compressed bytes, and how many they are of.
type frame struct {
	packed []byte
	plain  int
}

func newPieceBody(ctx context.Context, u *Request, c content, offset int64) (*pieceBody, error) {
	framer, err := frames.NewFramer()
	if err != nil {
		return nil, err
	}
	p, err := u.open(c)
	if err != nil {
		return nil, err
	}
	if err := p.skip(ctx, offset); err != nil {
		p.close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	b := &pieceBody{upload: u, piece: p, frames: make(chan frame), free: make(chan []byte, framesAhead), cancel: cancel}
	for range framesAhead {
		b.free <- nil
	}
	plain, read := make(chan []byte), make(chan []byte, framesAhead)
	for range framesAhead {
		read <- make([]byte, frames.Bytes)
	}
	b.work.Go(func() {
		defer close(plain)
		b.whole, b.failed = readPlain(ctx, p, plain, read)
	})
	b.work.Go(func() { b.pack(ctx, framer, plain, read) })
	return b, nil
}

// readPlain reports whether it came to the end.
func readPlain(ctx context.Context, p *piece, plain chan<- []byte, free <-chan []byte) (whole bool, err error) {
	for {
		var buf []byte
		select {
		case buf = <-free:
		case <-ctx.Done():
			return false, nil
		}
		n, err := io.ReadFull(p, buf[:frames.Bytes])
		if n > 0 && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) {
			select {
			case plain <- buf[:n]:
			case <-ctx.Done():
				return false, nil
			}
		}
		switch {
		case p.left > 0 && err == nil:
		case p.left == 0 && p.reading == nil, errors.Is(err, io.EOF), p.left == 0 && errors.Is(err, io.ErrUnexpectedEOF):
			return true, nil
		case err != nil:
			return false, notReadable(p.content.file, err)
		}
	}
}

func (b *pieceBody) pack(ctx context.Context, f *frames.Framer, plain <-chan []byte, read chan<- []byte) {
	defer close(b.frames)
	for text := range plain {
		var out []byte
		select {
		case out = <-b.free:
		case <-ctx.Done():
			return
		}
		packed := frame{packed: f.Append(text, out[:0]), plain: len(text)}
		read <- text
		select {
		case b.frames <- packed:
		case <-ctx.Done():
			return
		}
	}
}

// Read gives the frames, and what ended reading where that was no end.
func (b *pieceBody) Read(p []byte) (int, error) {
	if b.sent == len(b.now.packed) {
		if b.now.packed != nil {
			b.upload.Done.Add(int64(b.now.plain))
			b.free <- b.now.packed
		}
		next, ok := <-b.frames
		if b.now, b.sent = next, 0; !ok {
			return 0, b.over()
		}
	}
	n := copy(p, b.now.packed[b.sent:])
	b.sent += n
	b.upload.Sent.Add(int64(n))
	return n, nil
}

// over is called when there are no more frames: no worker touches failed then.
func (b *pieceBody) over() error {
	b.work.Wait()
	if b.failed != nil {
		return b.failed
	}
	return io.EOF
}

// stop ends all work, and returns why reading ended if it did not come to its
// end. It may be called twice, and of nil.
func (b *pieceBody) stop() error {
	if b == nil {
		return nil
	}
	b.cancel()
	b.work.Wait()
	b.piece.close()
	return b.failed
}
