package peer

import (
	"net"
	"net/netip"
	"sync"
)

// Connections that may be open: together, and of one caller that is no trusted
// router. One more is closed at once: a place in a queue would be held as easily.
const (
	connsOfAll    = 2000
	connsOfCaller = 200
)

// Crowd is a listener that bounds how many connections are open.
type Crowd struct {
	net.Listener
	trusted func(netip.Addr) bool

	mu  sync.Mutex
	all int
	of  map[netip.Prefix]int
}

// NewCrowd bounds the connections of a listener; trusted tells the addresses of routers,
// which have those of many callers.
func NewCrowd(ln net.Listener, trusted func(netip.Addr) bool) *Crowd {
	return &Crowd{Listener: ln, trusted: trusted, of: map[netip.Prefix]int{}}
}

func (c *Crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if in := c.enter(conn); in != nil {
			return in, nil
		}
		_ = conn.Close()
	}
}

// enter counts a connection until it is closed; nil is one too many.
func (c *Crowd) enter(conn net.Conn) net.Conn {
	peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return nil
	}
	caller := Network(plain(peer.Addr()))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= connsOfAll || c.of[caller] >= connsOfCaller && !c.trusted(caller.Addr()) {
		return nil
	}
	c.all++
	c.of[caller]++
	return &counted{Conn: conn, leave: sync.OnceFunc(func() { c.leave(caller) })}
}

func (c *Crowd) leave(caller netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.of[caller]--; c.of[caller] == 0 {
		delete(c.of, caller)
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
