package servertest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Cutter is a network between client and server that breaks.
type Cutter struct {
	Address string
	// Left is how many bytes may still go to the server before the connection is
	// cut; negative for no end. It is used up once.
	Left     atomic.Int64
	Received atomic.Int64
	// Cut, when it is set, is called before a connection is cut.
	Cut func()
}

// NewCutter leads to an address.
func NewCutter(t *testing.T, target string) *Cutter {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	c := &Cutter{Address: "http://" + ln.Addr().String()}
	c.Left.Store(-1)
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host)
			if err != nil {
				in.Close()
				continue
			}
			go c.carry(in, out)
		}
	}()
	return c
}

func (c *Cutter) carry(in, out net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { io.Copy(in, out); in.Close() })
	both.Go(func() { io.Copy(out, &cutReader{in, c}); out.Close(); in.Close() })
	both.Wait()
}

type cutReader struct {
	net.Conn
	c *Cutter
}

func (r *cutReader) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.c.Received.Add(int64(n))
	left := r.c.Left.Load()
	if left < 0 {
		return n, err
	}
	if int64(n) > left {
		r.c.Left.Store(-1)
		if r.c.Cut != nil {
			r.c.Cut()
		}
		return int(left), io.ErrUnexpectedEOF
	}
	r.c.Left.Add(-int64(n))
	return n, err
}
