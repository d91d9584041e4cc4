package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/agent/ship"
	"fngen.dev/fngen/pkg/api"
)

// logTime is how long the platform may take for a batch.
const logTime = 20 * time.Second

// packer compresses batches with little memory.
var packer = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true))
})

// SendLog sends entries of the log, one a line. last has the platform keep them also
// while its store of logs is away.
func (c *Client) SendLog(ctx context.Context, batch [][]byte, last bool) (dropped int, err error) {
	encoder, err := packer()
	if err != nil {
		return 0, err
	}
	// The token is renewed in its file, so each attempt reads it anew.
	token, err := os.ReadFile(c.identity)
	if err != nil {
		return 0, fmt.Errorf("read workload identity: %w", err)
	}
	body := encoder.EncodeAll(append(bytes.Join(batch, []byte{'\n'}), '\n'), nil)
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	target := c.api + "/v1/agent/logs"
	if last {
		target += "?last=true"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	req.Header.Set("Content-Type", "application/zstd")
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	switch {
	case resp.StatusCode == http.StatusNoContent:
		return 0, nil
	case resp.StatusCode != http.StatusOK:
		return 0, logRefusal(resp.StatusCode, answer)
	case err != nil:
		return 0, err
	}
	var receipt api.LogReceipt
	if err := json.Unmarshal(answer, &receipt); err != nil {
		return 0, fmt.Errorf("read receipt: %w", err)
	}
	return receipt.Dropped, nil
}

// logRefusal says whether the same batch, or any, may be sent again.
func logRefusal(status int, answer []byte) error {
	err := fmt.Errorf("the platform answered %d: %.200q", status, answer)
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return errors.Join(ship.ErrUnfit, err)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return errors.Join(ship.ErrRefused, err)
	}
	return err
}
