package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Releases is the history of a project, newest first.
func (c *Client) Releases(ctx context.Context, project string) ([]Release, error) {
	return call[[]Release](ctx, c, http.MethodGet, projectPath(project)+"/releases", nil)
}

// ReleaseEvents is what happened while a release was brought up last. When it follows, the
// stream goes on until how that ends; else it may end without, with ErrPushCut.
func (c *Client) ReleaseEvents(ctx context.Context, project string, release int, follow bool) (*PushStream, error) {
	path := fmt.Sprintf("%s/releases/%d/events?follow=%t", projectPath(project), release, follow)
	resp, err := c.do(ctx, http.MethodGet, path, "", func() io.Reader { return nil }, true) //nolint:bodyclose // PushStream.Close does
	if err != nil {
		return nil, err
	}
	return &PushStream{body: resp.Body, decoder: json.NewDecoder(resp.Body)}, nil
}

// Rollback makes a release live again, the last one before the live one when
// release is 0. Its stream is that of a push.
func (c *Client) Rollback(ctx context.Context, project string, release int) (*PushStream, error) {
	query := url.Values{}
	if release != 0 {
		query.Set("release", strconv.Itoa(release))
	}
	return c.change(ctx, projectPath(project)+"/rollbacks", query)
}
