package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// receiver takes uploads behind the same router as fngend, and writes each to a
// file as it comes: the least that a rival can do.
type receiver struct {
	url   string
	id    string
	dir   string
	http  http.Server
	bytes atomic.Int64
}

func startReceiver(ctx context.Context) (*receiver, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "fngen-bench-received-")
	if err != nil {
		return nil, err
	}
	r := &receiver{id: fmt.Sprintf("bench-receiver-%d", os.Getpid()), dir: dir}
	r.url = "https://" + r.id + "." + os.Getenv("FNGEN_DOMAIN") + "/"
	r.http.Handler = http.HandlerFunc(r.receive)
	r.http.ReadHeaderTimeout = time.Second
	go func() { _ = r.http.Serve(ln) }()
	tags := []string{
		"traefik.enable=true", "traefik.http.routers." + r.id + ".entrypoints=websecure", "traefik.http.routers." + r.id + ".tls=true",
		fmt.Sprintf("traefik.http.routers.%s.rule=Host(`%s.%s`)", r.id, r.id, os.Getenv("FNGEN_DOMAIN")),
	}
	service := map[string]any{"Name": r.id, "Address": "127.0.0.1", "Port": ln.Addr().(*net.TCPAddr).Port, "Tags": tags}
	if err := consul(ctx, "/v1/agent/service/register", service); err != nil {
		r.stop()
		return nil, err
	}
	if err := r.routed(ctx); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

func (r *receiver) receive(w http.ResponseWriter, req *http.Request) {
	f, err := os.Create(filepath.Join(r.dir, "body"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer f.Close()
	n, err := io.Copy(f, req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	r.bytes.Store(n)
}

func (r *receiver) last() int64 { return r.bytes.Load() }

// routed waits until the router knows the receiver.
func (r *receiver) routed(ctx context.Context) error {
	deadline := time.Now().Add(20 * time.Second)
	for command(ctx, "curl", "-sSf", "--cacert", os.Getenv("FNGEN_CA_CERT"), r.url) != nil {
		if time.Now().After(deadline) {
			return fmt.Errorf("the router does not know %s", r.url)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

func (r *receiver) stop() {
	if err := consul(context.Background(), "/v1/agent/service/deregister/"+r.id, nil); err != nil {
		fmt.Fprintln(os.Stderr, "bench: clean up:", err)
	}
	_ = r.http.Close()
	_ = os.RemoveAll(r.dir)
}

// consul asks the agent of the cluster.
func consul(ctx context.Context, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, os.Getenv("CONSUL_HTTP_ADDR")+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("X-Consul-Token", os.Getenv("CONSUL_HTTP_TOKEN"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("consul answered %s: %s", resp.Status, text)
	}
	return nil
}
