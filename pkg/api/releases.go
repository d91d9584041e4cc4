package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Releases is the history of a project, newest first.
func (c *Client) Releases(ctx context.Context, project string) ([]Release, error) {
	return call[[]Release](ctx, c, http.MethodGet, projectPath(project)+"/releases", nil)
}

// Rollback makes a release live again, the last one before the live one when
// release is 0. Its stream is that of a push.
func (c *Client) Rollback(ctx context.Context, project string, release int) (*PushStream, error) {
	body, err := json.Marshal(RollbackRequest{Release: release})
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	resp, err := c.do(ctx, http.MethodPost, projectPath(project)+"/rollbacks", "application/json", func() io.Reader { return bytes.NewReader(body) }, false) //nolint:bodyclose // PushStream.Close does
	if err != nil {
		return nil, err
	}
	return &PushStream{body: resp.Body, decoder: json.NewDecoder(resp.Body)}, nil
}
