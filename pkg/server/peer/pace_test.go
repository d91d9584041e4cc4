package peer

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestBodyThatHasEnded works on after the body for longer than the pace: the caller has
// nothing to send, and is not given up, however often the end is read.
func TestBodyThatHasEnded(t *testing.T) {
	p := Pace{Time: 2 * time.Second, Wire: 32 << 10, Plain: 1 << 20}
	ended := make(chan error, 1)
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := NewBody(w, r, p, 1<<20)
		_, first := io.Copy(io.Discard, body)
		_, again := io.Copy(io.Discard, body)
		err := errors.Join(first, again)
		select {
		case <-r.Context().Done():
			err = errors.Join(err, r.Context().Err())
		case <-time.After(2 * p.Time):
		}
		ended <- err
	}))
	defer ts.Close()
	resp, err := http.Post(ts.URL, "", strings.NewReader("a body")) //nolint:noctx // the test ends it
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := <-ended; err != nil {
		t.Errorf("the request was given up: %v", err)
	}
}
