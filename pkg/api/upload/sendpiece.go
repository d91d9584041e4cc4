package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// stallTime is how long no byte may move before a connection is given up.
const stallTime = time.Minute

// sendPiece sends a content from an offset to its end, and returns what the
// platform has of it then, and the digest of what was read, if all was read.
func (c sender) sendPiece(ctx context.Context, project string, u *Request, content content, offset int64) (state api.UploadState, digest string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(stallTime, func() { cancel(errStalled) })
	defer stall.Stop()
	var body *pieceBody
	var opened error
	begin := func() io.Reader {
		body.stop()
		if body, opened = newPieceBody(ctx, u, content, offset); opened != nil {
			return failing{opened}
		}
		return &lively{body, stall}
	}
	defer func() { body.stop() }()
	next, err := c.PatchUpload(ctx, project, content.id, offset, content.file.Size, begin)
	if read := errors.Join(opened, body.stop()); read != nil {
		err = read // why the request ended
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), errStalled) {
			err = errStalled
		}
		if body != nil && body.whole {
			// It may have arrived, and the answer not.
			_, _ = body.piece.digest()
		}
		return state, "", err
	}
	if next.SHA256 == "" {
		return next, "", nil
	}
	digest, err = body.piece.digest()
	if err == nil && u.Settled != nil {
		u.Settled()
	}
	return next, digest, err
}

var errStalled = fmt.Errorf("no byte moved for %s", stallTime)

// lively reports that bytes move.
type lively struct {
	io.Reader
	stall *time.Timer
}

func (l *lively) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	l.stall.Reset(stallTime)
	return n, err
}

// failing is a body that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
