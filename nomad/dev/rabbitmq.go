//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/nomad/agents"
	"fngen.dev/fngen/nomad/dev/layout"
	"fngen.dev/fngen/nomad/dev/preflight"
	"fngen.dev/fngen/nomad/dev/process"
)

const (
	rabbitUser     = "fngen"
	rabbitPassword = "rabbitmq-password" // the name of the secret
	// The control plane has a login of its own, and a key for those of projects.
	rabbitFngend = "rabbitmq-fngend"
	rabbitKey    = "rabbitmq-key"
)

// rabbitEnv describes the node. It runs under a name and a home directory of
// its own, beside any RabbitMQ that the machine has.
func (c *cluster) rabbitEnv() []string {
	dir := c.Data("rabbitmq")
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8", "HOME=" + dir, // .erlang.cookie
		"RABBITMQ_NODENAME=fngen@localhost",
		"RABBITMQ_NODE_IP_ADDRESS=" + layout.Loopback,
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", layout.RabbitDistPort),
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(dir, "rabbitmq.conf"),
		"RABBITMQ_CONF_ENV_FILE=/dev/null",
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + filepath.Join(dir, "none"),
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(dir, "data"),
		"RABBITMQ_LOG_BASE=" + filepath.Join(dir, "log"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(dir, "enabled_plugins"),
		"RABBITMQ_PID_FILE=" + filepath.Join(dir, "pid"),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
		"ERL_EPMD_ADDRESS=" + layout.Loopback,
		// The start script then becomes the Erlang VM, so that its pid is the
		// server's.
		"RUNNING_UNDER_SYSTEMD=true",
	}
}

func (c *cluster) rabbitmq(ctx context.Context) error {
	password, err := c.secrets.Password(rabbitPassword)
	if err != nil {
		return err
	}
	if err := c.epmd(ctx); err != nil {
		return err
	}
	dir := c.Data("rabbitmq")
	config, err := agents.RabbitMQ(agents.RabbitMQServer{
		Address: layout.Loopback, Port: layout.RabbitPort, ManagementPort: layout.RabbitAdminPort,
		User: rabbitUser, Password: password,
	})
	if err != nil {
		return err
	}
	s, err := c.spec("rabbitmq", dir, "rabbitmq.conf", config, orderBackend)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "enabled_plugins"), []byte("[rabbitmq_management].\n"), 0o600); err != nil {
		return err
	}
	s.Path, s.Env = preflight.RabbitServer, c.rabbitEnv()
	ask := func(ctx context.Context, method, path, body string) error {
		req, err := http.NewRequestWithContext(ctx, method, layout.HTTP(layout.RabbitAdminPort)+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		req.SetBasicAuth(rabbitUser, password)
		return answersOK(req)
	}
	if err := c.ensure(ctx, s, func(ctx context.Context) error {
		return ask(ctx, http.MethodGet, "/api/health/checks/local-alarms", "")
	}); err != nil {
		return err
	}
	own, err := c.secrets.Password(rabbitFngend)
	if err != nil {
		return err
	}
	login, err := json.Marshal(map[string]string{"password": own, "tags": "administrator"})
	if err != nil {
		return fmt.Errorf("encode login of the control plane: %w", err)
	}
	return ask(ctx, http.MethodPut, "/api/users/"+jobFngend, string(login))
}

// epmd is Erlang's port mapper. It would be started by RabbitMQ and then belong
// to nobody; one that the machine has already is used.
func (c *cluster) epmd(ctx context.Context) error {
	addr := layout.Addr(layout.EpmdPort)
	if _, ours := process.Load(c.Run(), "epmd"); !ours && !process.Free(addr) {
		return nil
	}
	path, err := findProgram("epmd", "/usr/bin/epmd")
	if err != nil {
		return err
	}
	dir := c.Data("epmd")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	s := process.Spec{
		Name: "epmd", Path: path, Args: []string{"-address", layout.Loopback}, Env: environ(),
		Dir: dir, Log: c.Log("epmd"), Order: orderEpmd,
	}
	return c.ensure(ctx, s, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err
	})
}
