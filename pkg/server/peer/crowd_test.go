package peer

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// neverEnds stands for "it never happens", however busy the machine is.
const neverEnds = 2 * time.Minute

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

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
			crowd := NewCrowd(ln, func(netip.Addr) bool { return trusted })
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
			if got := isClosed(t, dial(t, ln.Addr().String()), in); got == trusted {
				t.Fatalf("one more was closed: %t", got)
			}
			if trusted {
				return
			}
			// One that ends makes room for one, however often it is closed.
			_ = last.Close()
			_ = last.Close()
			if isClosed(t, dial(t, ln.Addr().String()), in) || !isClosed(t, dial(t, ln.Addr().String()), in) {
				t.Error("a connection that ended made room for another number than one")
			}
		})
	}
}

// isClosed reports whether the other side closes a connection or lets it in, whichever
// comes.
func isClosed(t *testing.T, c net.Conn, in <-chan net.Conn) bool {
	t.Helper()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = c.Read(make([]byte, 1)) // nobody writes: it returns at the end
	}()
	select {
	case <-closed:
		return true
	case other := <-in:
		t.Cleanup(func() { other.Close() })
		return false
	case <-time.After(neverEnds):
		t.Fatal("it is neither closed nor let in")
		return false
	}
}
