package nomad

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
)

// readTime is how long a node may take to tell what is in an allocation. A node that
// is away, or a file that is none, must not keep anybody from seeing that a job has
// ended.
const readTime = 5 * time.Second

// ReadFile returns what a regular file in the directory of an allocation holds, of
// limit bytes at most; one that is not there or larger is an error.
func (c *Client) ReadFile(ctx context.Context, namespace, allocation, path string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	q := read(ctx, namespace)
	q.Params = map[string]string{"path": path}
	var info api.AllocFileInfo
	if _, err := c.api.Raw().Query("/v1/client/fs/stat/"+allocation, &info, q); err != nil {
		return nil, fmt.Errorf("look for %s of allocation %s: %w", path, allocation, err)
	}
	// To open another kind of file could wait for ever.
	if info.IsDir || !strings.HasPrefix(info.FileMode, "-") || info.Size > limit {
		return nil, fmt.Errorf("%s of allocation %s is no file of at most %d bytes", path, allocation, limit)
	}
	text, err := c.get("/v1/client/fs/cat/"+allocation, q, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s of allocation %s: %w", path, allocation, err)
	}
	return text, nil
}

// readLog returns a part of what a task has printed, of limit bytes at most. There
// can be something of it beside an error.
func (c *Client) readLog(ctx context.Context, namespace, allocation string, limit int64, params map[string]string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	q := read(ctx, namespace)
	q.Params = maps.Clone(params)
	q.Params["plain"] = "true"
	text, err := c.get("/v1/client/fs/logs/"+allocation, q, limit)
	if err != nil {
		return text, fmt.Errorf("read the log of allocation %s: %w", allocation, err)
	}
	return text, nil
}

func (c *Client) get(path string, q *api.QueryOptions, limit int64) ([]byte, error) {
	body, err := c.api.Raw().Response(path, q)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, limit))
}
