//go:build linux

// Package conform holds what the platform takes for granted of the servers that it
// stands on, and that their next version could do otherwise.
package conform

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/nomad/agents"
	"fngen.dev/fngen/nomad/dev/certs"
	"fngen.dev/fngen/nomad/dev/process"
)

// domain is that of the routers of these tests.
const domain = "conform.localhost"

// readTime is in the place of the hour that a request may take.
const readTime = 2 * time.Second

// late is when a test gives up.
const late = time.Minute

// TestHalfHeads: who does not go on with what he began is cut in the time of a request.
// Without that setting this Traefik keeps all of them for ever.
func TestHalfHeads(t *testing.T) {
	r := start(t, "readTimeout: "+readTime.String(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	for name, text := range map[string]string{
		"head":          "GET / HTTP/1.1\r\nHost: " + domain + "\r\n",
		"nothing":       "",
		"body":          "POST / HTTP/1.1\r\nHost: " + domain + "\r\nContent-Length: 100\r\n\r\nhalf",
		"chunks":        "POST / HTTP/1.1\r\nHost: " + domain + "\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"HTTP/2's head": "PRI * HTTP/2.0\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := tls.Dial("tcp", r.address, r.config())
			if err != nil {
				t.Fatal(err)
			}
			cut(t, conn, text)
		})
	}
	t.Run("handshake", func(t *testing.T) {
		conn, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		cut(t, conn, "\x16\x03\x01")
	})
}

// cut sends text and waits until the other side has closed.
func cut(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(late)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); os.IsTimeout(err) {
		t.Errorf("it is still open after %s", late)
	}
}

// TestLongAnswers: how long a request may take does not bound its answer.
func TestLongAnswers(t *testing.T) {
	r := start(t, "readTimeout: "+readTime.String(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			fmt.Fprintln(w, "a line")
			w.(http.Flusher).Flush()
			time.Sleep(readTime / 4)
		}
	}))
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		resp, err := r.client(protocol).Get(r.url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if lines := strings.Count(string(body), "\n"); err != nil || lines != 10 {
			t.Errorf("%s: %d of 10 lines, %v", protocol, lines, err)
		}
	}
}

// TestBrokenAnswers: an instance that dies within its answer is seen as an error, and
// never as the end of the answer.
func TestBrokenAnswers(t *testing.T) {
	for name, head := range map[string]string{
		"chunks":                  "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"within a chunk":          "Transfer-Encoding: chunked\r\n\r\n50\r\nhello",
		"length":                  "Content-Length: 10\r\n\r\nhello",
		"all but the last chunk":  "Transfer-Encoding: chunked\r\n\r\n20000\r\n" + strings.Repeat("x", 0x20000) + "\r\n",
		"nothing but the headers": "Content-Length: 10\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, "readTimeout: 1h", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return // the test sees no answer
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head)
				conn.Close()
			}))
			for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
				resp, err := r.client(protocol).Get(r.url)
				if err != nil {
					continue
				}
				if resp.Proto != protocol {
					t.Fatalf("it is %s", resp.Proto)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil && resp.StatusCode == http.StatusOK {
					t.Errorf("%s: an answer that broke off after %d bytes looks complete", protocol, len(body))
				}
			}
		})
	}
}

// router is a Traefik with the configuration of all of them.
type router struct {
	address, url string
	roots        *x509.CertPool
}

// start starts one in front of an application, with the time of a request in the place of
// the hour that it has.
func start(t *testing.T, readTimeout string, app http.Handler) router {
	t.Helper()
	if os.Getenv("FNGEN_INGRESS") == "" {
		if os.Getenv("FNGEN_E2E") == "required" {
			t.Fatal("FNGEN_E2E=required, but .dev/env.sh has not been read")
		}
		t.Skip("no cluster, whose router it is: run `make up`, then `. .dev/env.sh`")
	}
	running, alive := process.Load("../../.dev/run", "traefik")
	if !alive {
		t.Fatal("the cluster's router does not run")
	}
	mux := http.NewServeMux()
	mux.Handle("/", app)
	mux.HandleFunc("/up", func(http.ResponseWriter, *http.Request) {})
	upstream := httptest.NewServer(mux)
	t.Cleanup(upstream.Close)
	dir := t.TempDir()
	files, err := certs.Ensure(dir, domain, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	entry := freeAddress(t)
	proxy := agents.TraefikProxy{
		TLSEntry: entry, APIEntry: freeAddress(t), ConsulAddress: freeAddress(t), DynamicFile: filepath.Join(dir, "dynamic.yaml"),
		AccessLog: filepath.Join(dir, "access"), CertFile: files.Cert, KeyFile: files.Key,
	}
	static, err := agents.Traefik(proxy)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(static), "readTimeout: 1h") != 1 {
		t.Fatalf("a request has no hour:\n%s", static)
	}
	dynamic, err := agents.TraefikDynamic(proxy)
	if err != nil {
		t.Fatal(err)
	}
	routes := "\n  routers:\n    app: {rule: PathPrefix(`/`), service: app, tls: {}}\n" +
		"  services:\n    app: {loadBalancer: {servers: [{url: " + upstream.URL + "}]}}\n"
	config := filepath.Join(dir, "traefik.yaml")
	for name, text := range map[string]string{
		config: strings.Replace(string(static), "readTimeout: 1h", readTimeout, 1), proxy.DynamicFile: string(dynamic) + routes,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ca, err := os.ReadFile(files.CA)
	if err != nil {
		t.Fatal(err)
	}
	r := router{address: entry, url: "https://" + domain + "/", roots: x509.NewCertPool()}
	r.roots.AppendCertsFromPEM(ca)
	// Its program, whatever has become of the file.
	run(t, fmt.Sprintf("/proc/%d/exe", running.PID), "--configFile="+config)
	r.waitFor(t)
	return r
}

// run has a program run until the end of the test.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	output := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(output)
		}
	})
}

// waitFor waits until the router has its routes: until then a name has none.
func (r router) waitFor(t *testing.T) {
	t.Helper()
	for until := time.Now().Add(late); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		conn, err := tls.Dial("tcp", r.address, r.config())
		if err != nil {
			continue
		}
		_, _ = io.WriteString(conn, "GET /up HTTP/1.1\r\nHost: "+domain+"\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		conn.Close()
		if err == nil && resp.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal("the router does not come up")
}

func (r router) config() *tls.Config {
	return &tls.Config{RootCAs: r.roots, ServerName: domain, MinVersion: tls.VersionTLS12}
}

// client asks it by one protocol.
func (r router) client(protocol string) *http.Client {
	transport := &http.Transport{TLSClientConfig: r.config(), Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(protocol == "HTTP/1.1")
	transport.Protocols.SetHTTP2(protocol == "HTTP/2.0")
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, r.address)
	}
	return &http.Client{Transport: transport, Timeout: late}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
