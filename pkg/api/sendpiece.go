package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// stallTime is how long no byte may move before a connection is given up.
const stallTime = time.Minute

// sendPiece sends a content from an offset to its end, and returns what the
// platform has of it then, and the digest of what was read, if all was read.
func (c *Client) sendPiece(ctx context.Context, project string, u *Upload, content content, offset int64) (state UploadState, digest string, err error) {
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
	path := projectPath(project) + "/uploads/" + content.id + "?" + url.Values{
		"offset": {strconv.FormatInt(offset, 10)}, "size": {strconv.FormatInt(content.file.Size, 10)},
	}.Encode()
	resp, err := c.do(ctx, http.MethodPatch, path, ContentType, begin, false)
	if err == nil {
		defer resp.Body.Close()
	}
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
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&state); err != nil {
		return state, "", fmt.Errorf("read answer of %s: %w", path, err)
	}
	if state.SHA256 == "" {
		return state, "", nil
	}
	digest, err = body.piece.digest()
	if err == nil && u.Settled != nil {
		u.Settled()
	}
	return state, digest, err
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
