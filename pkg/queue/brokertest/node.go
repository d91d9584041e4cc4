package brokertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"fngen.dev/fngen/nomad/agents"
)

// patience is how long a node may take to start on a machine that is busy.
const patience = 4 * time.Minute

// Node is a RabbitMQ.
type Node struct {
	dir              string
	env              []string
	amqp, http, dist int
	epmd             *exec.Cmd
	log              *os.File

	mu  sync.Mutex
	cmd *exec.Cmd
	// ended is closed when cmd has.
	ended chan struct{}
}

// newNode writes what a node reads, and starts Erlang's port mapper, which would
// otherwise be started by the node and outlive it.
func newNode(dir string) (*Node, error) {
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	n := &Node{dir: dir, amqp: ports[0], http: ports[1], dist: ports[2]}
	config, err := agents.RabbitMQ(agents.RabbitMQServer{
		Address: "127.0.0.1", Port: n.amqp, ManagementPort: n.http, User: user, Password: password,
	})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(n.path("rabbitmq.conf"), config, 0o600),
		os.WriteFile(n.path("enabled_plugins"), []byte("[rabbitmq_management].\n"), 0o600),
	); err != nil {
		return nil, err
	}
	if n.log, err = os.Create(n.path("output")); err != nil {
		return nil, err
	}
	n.env = n.environment(strconv.Itoa(ports[3]))
	n.epmd = exec.Command(mapper, "-address", "127.0.0.1", "-port", strconv.Itoa(ports[3]))
	n.epmd.Env, n.epmd.Dir = n.env, dir
	n.epmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.epmd.Start(); err != nil {
		return nil, fmt.Errorf("start epmd: %w", err)
	}
	return n, nil
}

func (n *Node) path(name string) string { return filepath.Join(n.dir, name) }

func (n *Node) environment(mapper string) []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=" + n.dir,
		fmt.Sprintf("RABBITMQ_NODENAME=test%d@localhost", n.amqp), "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		"RABBITMQ_DIST_PORT=" + strconv.Itoa(n.dist), "RABBITMQ_CONFIG_FILE=" + n.path("rabbitmq.conf"),
		"RABBITMQ_CONF_ENV_FILE=/dev/null", "RABBITMQ_ADVANCED_CONFIG_FILE=" + n.path("none"),
		"RABBITMQ_MNESIA_BASE=" + n.path("data"), "RABBITMQ_LOG_BASE=" + n.path("log"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + n.path("enabled_plugins"), "RABBITMQ_PID_FILE=" + n.path("pid"),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
		"ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT=" + mapper, "RUNNING_UNDER_SYSTEMD=true",
	}
}

// Up starts the node, again after Kill, and waits until it answers.
func (n *Node) Up() error {
	cmd := exec.Command(server)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = n.env, n.dir, n.log, n.log
	// A group of its own: what it starts ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start RabbitMQ: %w", err)
	}
	ended := make(chan struct{})
	n.mu.Lock()
	n.cmd, n.ended = cmd, ended
	n.mu.Unlock()
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the code of a node that was killed says nothing
	}()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case <-ended:
			return fmt.Errorf("RabbitMQ ended:\n%s", n.output())
		case <-time.After(100 * time.Millisecond):
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := n.API(ctx, http.MethodGet, "/api/health/checks/local-alarms", nil, nil)
		cancel()
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("RabbitMQ does not answer:\n%s", n.output())
}

func (n *Node) output() string {
	data, _ := os.ReadFile(n.path("output")) // without it there is nothing to show
	return string(data[max(0, len(data)-4000):])
}

// Kill ends the node as by kill -9.
func (n *Node) Kill() {
	n.mu.Lock()
	cmd, ended := n.cmd, n.ended
	n.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may be gone
	<-ended
}

// Keeps waits until the node has written down that it has a queue. It does so seconds
// after it has declared one: RabbitMQ 3.10 that is killed before knows the queue, never
// elects a leader for it, and has lost what was in it.
func (n *Node) Keeps(vhost, queue string) error {
	name := []byte(vhost + "_" + queue)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		files, err := filepath.Glob(n.path("data/*/quorum/*/names.dets"))
		if err != nil || len(files) != 1 {
			return fmt.Errorf("find the names of queues: %w, %d files", err, len(files))
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			return fmt.Errorf("read the names of queues: %w", err)
		}
		if bytes.Contains(text, name) {
			return nil
		}
	}
	return fmt.Errorf("RabbitMQ does not write down that it has %s", queue)
}

// End ends the node and its port mapper.
func (n *Node) End() {
	n.Kill()
	_ = n.epmd.Process.Kill() // it may be gone
	_ = n.epmd.Wait()
	n.log.Close()
}

// API asks RabbitMQ's management: in and out are JSON, nil for none.
func (n *Node) API(ctx context.Context, method, path string, in, out any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1:"+strconv.Itoa(n.http)+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, body)
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(body, out)
}

// CutConnections closes every connection of AMQP, as an operator would.
func (n *Node) CutConnections(ctx context.Context) error {
	var connections []struct {
		Name string `json:"name"`
	}
	if err := n.API(ctx, http.MethodGet, "/api/connections?columns=name", nil, &connections); err != nil {
		return err
	}
	for _, c := range connections {
		// One that has ended meanwhile is not there.
		_ = n.API(ctx, http.MethodDelete, "/api/connections/"+url.PathEscape(c.Name), nil, nil)
	}
	return nil
}

// Ctl runs rabbitmqctl against the node.
func (n *Node) Ctl(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "/usr/lib/rabbitmq/bin/rabbitmqctl", append([]string{"--quiet"}, args...)...)
	cmd.Env, cmd.Dir = n.env, n.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("rabbitmqctl %q: %w\n%s", args, err, out)
	}
	return nil
}
