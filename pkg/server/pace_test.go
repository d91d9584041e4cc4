package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/frames"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/peer"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
	"fngen.dev/fngen/pkg/server/workload/workloadtest"
)

// paced is a platform behind its real listener, with limits that are short: a peer may
// do nothing for so long. On a busy machine an honest one does nothing for longer than
// is thought.
func paced(t *testing.T, quiet time.Duration) (*servertest.Platform, string) {
	t.Helper()
	p, _ := servertest.WithShop(t)
	p.Restart(func(o *server.Options) { o.Pace = peer.Pace{Time: quiet, Wire: 32 << 10, Plain: 1 << 20} })
	log := slog.New(slog.NewJSONHandler(p.Log, nil))
	l, err := server.StartWith(t.Context(), p.Server(), log, quiet, 2*time.Second, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Cut)
	p.URL = "http://" + l.Address()
	return p, l.Address()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// wantEnd waits until the server ends a connection.
func wantEnd(t *testing.T, what string, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(servertest.NeverEnds)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, c)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("%s: the connection is open after %s", what, servertest.NeverEnds)
	}
}

// trickle writes a byte of a chunked body now and then until it cannot.
func trickle(c net.Conn) {
	for {
		if _, err := c.Write([]byte("1\r\nx\r\n")); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestSlowPeers holds that peers which send next to nothing lose their connections,
// wherever in a request they are.
func TestSlowPeers(t *testing.T) {
	p, address := paced(t, 500*time.Millisecond)
	tree := treetest.New(map[string]string{"a": treetest.Noise(1, 100)})
	head := "Host: a\r\nAuthorization: Bearer " + p.Key + "\r\nTransfer-Encoding: chunked\r\n\r\n"
	id := treetest.DigestOf("large")
	// A frame that is skipped: what follows is good zstd for 16 MiB.
	const skipped = "8\r\n\x50\x2a\x4d\x18\xff\xff\xff\x00\r\n"
	for name, begin := range map[string]string{
		"half a header":           "GET /v1/account HTTP/1.1\r\nHost:",
		"an idle connection":      "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
		"a tree that trickles":    "PUT /v1/projects/shop/trees/" + tree.Digest() + " HTTP/1.1\r\n" + head + skipped,
		"a piece that trickles":   fmt.Sprintf("PATCH /v1/projects/shop/uploads/%s?offset=0&size=%d HTTP/1.1\r\n%s%s", id, api.LargeBytes+1, head, skipped),
		"JSON that trickles":      "POST /v1/projects HTTP/1.1\r\n" + head,
		"a push that trickles":    "POST /v1/projects/shop/pushes?tree=" + tree.Digest() + " HTTP/1.1\r\n" + head,
		"a destroy that trickles": "DELETE /v1/projects/nothing HTTP/1.1\r\n" + head,
		"a refused body":          "PUT /v1/projects/shop/trees/x HTTP/1.1\r\n" + head,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, address)
			if _, err := io.WriteString(c, begin); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(begin, "chunked") {
				go trickle(c)
			}
			wantEnd(t, name, c)
		})
	}
}

// TestHonestSlowUpload sends a large file for longer than any request may take, though
// it is never quiet for as long as it may be.
func TestHonestSlowUpload(t *testing.T) {
	p, address := paced(t, 20*time.Second)
	body := newLargeBody(t, treetest.Noise(1, api.LargeBytes+1))
	c := dial(t, address)
	fmt.Fprintf(c, "PATCH /v1/projects/shop/uploads/%s?offset=0&size=%d HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n",
		treetest.DigestOf("large"), api.LargeBytes+1, p.Key, len(body))
	begin := time.Now()
	for len(body) > 0 {
		n := min(len(body), 256<<10)
		if _, err := c.Write(body[:n]); err != nil {
			t.Fatal(err)
		}
		body = body[n:]
		time.Sleep(100 * time.Millisecond)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("after %s: %s %s, %v", time.Since(begin), resp.Status, text, err)
	}
	if time.Since(begin) < 2*time.Second {
		t.Error("it was not slow")
	}
}

// newLargeBody is the body of a piece, compressed as the client does.
func newLargeBody(t *testing.T, content string) []byte {
	t.Helper()
	var out strings.Builder
	w, err := frames.NewWriter(&out)
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String())
}

// TestSlowReader takes nothing of an answer that does not fit into any buffer.
func TestSlowReader(t *testing.T) {
	p, address := paced(t, 5*time.Second)
	large := treetest.New(map[string]string{"a": treetest.Noise(1, 8<<20), "b": treetest.Noise(2, 8<<20), "c": treetest.Noise(3, 8<<20)})
	servertest.Upload(t, p.Client(t, p.Key), "shop", large)
	c := dial(t, address)
	if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /v1/agent/trees/%s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n",
		strings.TrimPrefix(large.Digest(), "sha256:"), p.Nomad.Sign(t, workloadtest.JobClaims("shop", "web-a")))
	servertest.Within(t, "the end of an answer that nobody reads", func() bool { return strings.Contains(p.Log.String(), "stream broke off") })
	servertest.Within(t, "a free place", func() bool { return p.Server().Sends() == 0 })
}
