// Package lokitest starts a real Loki for a test, as the platform configures it.
package lokitest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fngen.dev/fngen/nomad/agents"
)

// ready is how long a Loki may take to start: it is there within a second, and later on
// a busy machine.
const ready = 3 * time.Minute

// Server is a Loki of one test.
type Server struct {
	Address string

	program, dir, config string
	cmd                  *exec.Cmd
}

// Start starts one that ends with the test, or skips the test where there is none:
// make up builds it.
func Start(t *testing.T) *Server {
	t.Helper()
	s := &Server{program: find(t), dir: t.TempDir()}
	ports := freePorts(t)
	s.Address = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	config, err := agents.Loki(agents.LokiServer{Address: "127.0.0.1", HTTPPort: ports[0], GRPCPort: ports[1], DataDir: filepath.Join(s.dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	s.config = filepath.Join(s.dir, "loki.yaml")
	if err := os.WriteFile(s.config, config, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Up(t)
	t.Cleanup(s.Kill)
	return s
}

// Up starts it again, and waits until it is ready.
func (s *Server) Up(t *testing.T) {
	t.Helper()
	said, err := os.Create(filepath.Join(s.dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	s.cmd = exec.Command(s.program, "-config.file", s.config) //nolint:noctx // ends with Kill
	s.cmd.Stdout, s.cmd.Stderr = said, said
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), ready)
	defer cancel()
	for !s.answers(ctx) {
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(said.Name())
			s.Kill()
			t.Fatalf("Loki is not ready: %s", text[max(0, len(text)-2000):])
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Server) answers(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address+"/ready", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Kill ends it at once. It may be called again.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
	s.cmd = nil
}

// find looks on PATH, then where make up builds it.
func find(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("loki"); err == nil {
		return path
	}
	if cache, err := os.UserCacheDir(); err == nil {
		if found, _ := filepath.Glob(filepath.Join(cache, "fngen", "tools", "loki-*", "loki")); len(found) > 0 {
			return slices.Max(found)
		}
	}
	t.Skip("there is no Loki on PATH or in the cache: make up builds one")
	return ""
}

// freePorts finds two ports that nobody listens on now.
func freePorts(t *testing.T) [2]int {
	t.Helper()
	var out [2]int
	for i := range out {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out[i] = l.Addr().(*net.TCPAddr).Port
	}
	return out
}
