// Package peer knows who is at the other end of a connection: from which address a
// request came, how many connections an address may have, and how slow it may be.
package peer

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxForwarded is how many entries of X-Forwarded-For are looked at: more routers
// than that are in nobody's way.
const maxForwarded = 16

// Proxies are the addresses of routers whose X-Forwarded-For is believed.
type Proxies []netip.Prefix

// Caller is the address from which a request came: the connection's, or where that is
// a trusted router's, the one that the router saw. Entries of X-Forwarded-For are read
// from the last one on, which the nearest router wrote, until one that is no trusted
// router's: those before it are the caller's word.
func (p Proxies) Caller(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	caller := plain(peer.Addr())
	forwarded := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for range maxForwarded {
		if !p.Trusts(caller) || forwarded == "" {
			break
		}
		at := strings.LastIndexByte(forwarded, ',')
		next, err := netip.ParseAddr(strings.TrimSpace(forwarded[at+1:]))
		if err != nil {
			break
		}
		caller, forwarded = plain(next), forwarded[:max(at, 0)]
	}
	return caller
}

// plain is an address without its IPv4-in-IPv6 form and zone, so that it has one
// form only.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// Trusts reports whether an address is that of a trusted router.
func (p Proxies) Trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Network is what one caller has of addresses: of IPv6 whoever has one has all of
// its /64.
func Network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // one that is not valid is the same for all of its kind
	return p
}

// Bearer is the token of a request.
func Bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}
