package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// NewTransport returns an HTTP transport that also trusts the CA certificates of
// caFile (PEM; empty for the system's only), and that connects names below
// .localhost to the loopback address as RFC 6761 section 6.3 asks of resolvers,
// since many of them do not; unless the machine's list of hosts has them.
func NewTransport(caFile string) (*http.Transport, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("read CA certificate: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA certificate %s: no PEM certificate in it", caFile)
		}
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: exceptLoopback(http.ProxyFromEnvironment),
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, local(ctx, addr))
		},
		TLSClientConfig:       &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}, nil
}

// local is where a name below .localhost leads: where the machine's list of hosts says,
// which is how an allocation finds the platform from a network of its own, else the
// loopback address.
func local(ctx context.Context, addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !belowLocalhost(host) {
		return addr
	}
	if listed, err := listOfHosts.LookupHost(ctx, host); err == nil && len(listed) > 0 {
		return net.JoinHostPort(listed[0], port)
	}
	return net.JoinHostPort("127.0.0.1", port)
}

func belowLocalhost(host string) bool {
	return strings.HasSuffix(strings.TrimSuffix(strings.ToLower(host), "."), ".localhost")
}

// isLoopback reports whether a host of a URL is this machine, whatever a resolver
// says.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") || belowLocalhost(host)
}

// exceptLoopback sends nothing that is for this machine to a proxy.
func exceptLoopback(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if isLoopback(r.URL.Hostname()) {
			return nil, nil
		}
		return proxy(r)
	}
}

// InClear reports whether what is sent to an address can be read on its way: it is
// http, and not to this machine.
func InClear(u *url.URL) bool { return u.Scheme == "http" && !isLoopback(u.Hostname()) }

// listOfHosts asks no name server: these names are nobody else's business.
var listOfHosts = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("not asked")
}}
