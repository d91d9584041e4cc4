package server

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestCrowd opens one connection more than a caller may have. A trusted router, which
// carries those of all callers, may have more.
func TestCrowd(t *testing.T) {
	for name, trusted := range map[string]bool{"a stranger": false, "a router": true} {
		t.Run(name, func(t *testing.T) {
			ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			crowd := newCrowd(ln, func(netip.Addr) bool { return trusted })
			in := make(chan net.Conn, 2*connsOfCaller)
			go func() {
				for {
					c, err := crowd.Accept()
					if err != nil {
						return
					}
					in <- c
				}
			}()
			var last net.Conn
			for range connsOfCaller {
				dial(t, ln.Addr().String())
				last = <-in
				t.Cleanup(func() { last.Close() })
			}
			if got := isClosed(t, dial(t, ln.Addr().String())); got == trusted {
				t.Fatalf("one more was closed: %t", got)
			}
			if trusted {
				return
			}
			// One that ends makes room for one, however often it is closed.
			_ = last.Close()
			_ = last.Close()
			if isClosed(t, dial(t, ln.Addr().String())) || !isClosed(t, dial(t, ln.Addr().String())) {
				t.Error("a connection that ended made room for another number than one")
			}
		})
	}
}

// isClosed reports whether the other side closes a connection within a moment.
func isClosed(t *testing.T, c net.Conn) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	timeout, ok := err.(net.Error) //nolint:errorlint // a connection gives it as it is
	return !ok || !timeout.Timeout()
}
