package peer

import (
	"net/http"
	"net/netip"
	"testing"
)

// TestCaller holds whose word about an address is believed.
func TestCaller(t *testing.T) {
	trusting := Proxies{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, c := range []struct {
		name      string
		proxies   Proxies
		peer      string
		forwarded []string
		want      string
	}{
		{"no proxy is set", nil, "127.0.0.1:9", []string{"198.51.100.1"}, "127.0.0.1"},
		{"direct, forged", trusting, "203.0.113.7:9", []string{"198.51.100.1"}, "203.0.113.7"},
		{"through the router", trusting, "127.0.0.1:9", []string{"203.0.113.7"}, "203.0.113.7"},
		{"through the router, forged before it", trusting, "127.0.0.1:9", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{"forged as a trusted one before it", trusting, "127.0.0.1:9", []string{"10.1.0.1, 203.0.113.7"}, "203.0.113.7"},
		{"two routers", trusting, "127.0.0.1:9", []string{"198.51.100.1, 203.0.113.7, 10.1.2.3"}, "203.0.113.7"},
		{"two headers", trusting, "127.0.0.1:9", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		{"from within", trusting, "127.0.0.1:9", []string{"10.1.2.3"}, "10.1.2.3"},
		{"no header", trusting, "127.0.0.1:9", nil, "127.0.0.1"},
		{"not an address", trusting, "127.0.0.1:9", []string{"203.0.113.7, unknown"}, "127.0.0.1"},
		{"empty entries", trusting, "127.0.0.1:9", []string{",,"}, "127.0.0.1"},
		{"IPv4 within IPv6", trusting, "[::ffff:127.0.0.1]:9", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"IPv6", trusting, "[2001:db8:1::1]:9", []string{"2001:db8:2::1%eth0"}, "2001:db8:2::1"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := c.proxies.Caller(r); got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if Network(netip.MustParseAddr("2001:db8::1")) != Network(netip.MustParseAddr("2001:db8::ffff:1")) {
		t.Error("two addresses of one IPv6 network count as two callers")
	}
	if Network(netip.MustParseAddr("192.0.2.1")) == Network(netip.MustParseAddr("192.0.2.2")) {
		t.Error("two IPv4 addresses count as one caller")
	}
}

func FuzzCaller(f *testing.F) {
	f.Add("198.51.100.1, 203.0.113.7")
	f.Add("::ffff:1.2.3.4,fe80::1%a,")
	f.Fuzz(func(t *testing.T, forwarded string) {
		proxies := Proxies{netip.MustParsePrefix("127.0.0.0/8")}
		h := http.Header{"X-Forwarded-For": {forwarded}}
		if got := proxies.Caller(&http.Request{RemoteAddr: "192.0.2.1:1", Header: h}); got.String() != "192.0.2.1" {
			t.Errorf("an untrusted peer was believed: %s", got)
		}
		if got := proxies.Caller(&http.Request{RemoteAddr: "127.0.0.1:1", Header: h}); !got.IsValid() {
			t.Error("no address")
		}
	})
}
