// Package brokertest starts a real RabbitMQ for tests: a node of its own on ports of its
// own, in a directory that goes with the test.
package brokertest

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"fngen.dev/fngen/pkg/queue"
)

// server is where the package of Debian and Ubuntu puts it.
const (
	server   = "/usr/lib/rabbitmq/bin/rabbitmq-server"
	mapper   = "/usr/bin/epmd"
	user     = "fngend"
	password = "brokertest"
)

// Start starts a node for one test, which may do to it what it likes. The test is skipped
// where there is no RabbitMQ.
func Start(t testing.TB) *Node {
	t.Helper()
	skipWithout(t)
	n, err := Launch(t.TempDir())
	if n != nil {
		t.Cleanup(n.End)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func skipWithout(t testing.TB) {
	t.Helper()
	for _, program := range []string{server, mapper} {
		if _, err := os.Stat(program); err != nil {
			t.Skipf("needs RabbitMQ: %v", err)
		}
	}
}

// shared is the node of all tests of a package.
var shared struct {
	once sync.Once
	dir  string
	node *Node
	err  error
}

// Shared is a node that all tests of a package have together, each with projects of its
// own. The package's TestMain must be Main.
func Shared(t testing.TB) *Node {
	t.Helper()
	skipWithout(t)
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "brokertest"); shared.err == nil {
			shared.node, shared.err = Launch(shared.dir)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.node
}

// Main runs the tests of a package, and ends the node that they shared.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.node != nil {
		shared.node.End()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir) // it is a directory of the system's for what is temporary
	}
	return code
}

// Config is how a control plane reaches the node.
func (n *Node) Config() queue.Config {
	url := "amqp://" + n.Address()
	return queue.Config{
		ManagementURL: "http://127.0.0.1:" + strconv.Itoa(n.http), URL: url, WorkerURL: url,
		User: user, Password: password, Key: "key of the test",
	}
}

// Address is where it speaks AMQP.
func (n *Node) Address() string { return "127.0.0.1:" + strconv.Itoa(n.amqp) }

// Log writes to the test's.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Launch starts a node in a directory, which whoever asks removes after End. Its ports were free a moment ago: another may
// have taken one, so that it is tried again.
func Launch(dir string) (*Node, error) {
	var errs []error
	for i := range 3 {
		n, err := newNode(filepath.Join(dir, strconv.Itoa(i)))
		if err == nil {
			err = n.Up()
		}
		if err == nil {
			return n, nil
		}
		if n != nil {
			n.End()
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("start RabbitMQ: %w", errors.Join(errs...))
}

// freePorts are n ports that nobody listens on, each another.
func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}
