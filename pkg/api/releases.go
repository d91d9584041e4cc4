package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Releases is the history of a project, newest first.
func (c *Client) Releases(ctx context.Context, project string) ([]Release, error) {
	return call[[]Release](ctx, c, http.MethodGet, projectPath(project)+"/releases", nil)
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
