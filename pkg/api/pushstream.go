package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// ErrPushCut is a stream that ended before the push did.
var ErrPushCut = errors.New("the connection ended before the push did")

// Push makes a tree live. A problem that is found before the work begins is the
// error here; later ones are in the stream. Closing the stream does not stop
// the push.
func (c *Client) Push(ctx context.Context, project string, req PushRequest) (*PushStream, error) {
	query := url.Values{"tree": {req.Tree}}
	if req.Entry != "" {
		query.Set("entry", req.Entry)
	}
	if req.Plan != "" {
		query.Set("plan", req.Plan)
	}
	if req.Rebuild {
		query.Set("rebuild", "true")
	}
	return c.change(ctx, projectPath(project)+"/pushes", query)
}

// change asks for something that streams what happens.
func (c *Client) change(ctx context.Context, path string, query url.Values) (*PushStream, error) {
	resp, err := c.do(ctx, http.MethodPost, path+"?"+query.Encode(), "", func() io.Reader { return nil }, false) //nolint:bodyclose // PushStream.Close does
	if err != nil {
		return nil, err
	}
	return &PushStream{body: resp.Body, decoder: json.NewDecoder(resp.Body)}, nil
}

// PushStream is what happens during a push.
type PushStream struct {
	body    io.ReadCloser
	decoder *json.Decoder
	ended   bool
}

// Next waits for the next event. After the one that has Done or Failed it
// returns io.EOF.
func (s *PushStream) Next() (Event, error) {
	if s.ended {
		return Event{}, io.EOF
	}
	var e Event
	err := s.decoder.Decode(&e)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return Event{}, ErrPushCut
	case err != nil:
		return Event{}, fmt.Errorf("%w: %w", ErrPushCut, err)
	}
	s.ended = e.Done != nil || e.Failed != nil
	return e, nil
}

// Close ends the stream.
func (s *PushStream) Close() error { return s.body.Close() }
