//go:build linux

package network

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/containernetworking/cni/libcni"

	"fngen.dev/fngen/nomad/agents"
)

// inNamespace says to a test that it runs in a network namespace of its own, as
// another process of the same program.
const inNamespace = "FNGEN_TEST_NETWORK"

// alone runs a test in a machine's network of its own: it has loopback and no more.
func alone(t *testing.T, test func(t *testing.T)) {
	if os.Getenv(inNamespace) != "" {
		sh(t, "ip", "link", "set", "lo", "up")
		test(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root makes network namespaces")
	}
	for _, needed := range []string{"iptables-restore", "ip", filepath.Join(Plugins, "ptp")} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skipf("%v: make up installs it", err)
		}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestNetwork has two allocations and a machine with a server behind a door, and one
// without.
func TestNetwork(t *testing.T) {
	alone(t, func(t *testing.T) {
		ctx := context.Background()
		inside, hidden := listen(t, "127.0.0.1:0"), listen(t, "0.0.0.0:0")
		n := At(t.TempDir(), agents.AllocationNetwork{
			Addresses: netip.MustParsePrefix("198.19.16.0/20"), MTU: 1400, Refused: []netip.Prefix{LinkLocal},
			Doors: []agents.Door{{Protocol: "tcp", Port: 443, To: inside}},
		})
		before := rules(t)
		for range 2 { // the second time changes nothing
			if err := n.Apply(ctx); err != nil {
				t.Fatal(err)
			}
		}
		set := rules(t)
		a, b := attach(t, n, 30001), attach(t, n, 30002)
		t.Cleanup(func() { _ = n.Clear(ctx, []string{a.id, b.id}) })
		// An allocation has its own 127.0.0.1, so that nothing else there can be asked for.
		reaches(t, a, "198.19.16.1:443", true)
		reaches(t, a, "198.19.16.1:"+strconv.Itoa(int(hidden.Port())), false)
		reaches(t, a, b.address+":8080", false)
		reaches(t, a, "169.254.169.254:80", false)
		machine := allocation{}
		reaches(t, machine, "127.0.0.1:30002", true)
		reaches(t, machine, b.address+":8080", true)

		b.stop()
		if held, err := n.Holders(); err != nil || len(held) != 2 {
			t.Fatalf("addresses are held by %v: %v", held, err)
		}
		if err := n.Clear(ctx, []string{a.id, b.id, "never-was"}); err != nil {
			t.Fatal(err)
		}
		reaches(t, machine, "127.0.0.1:30002", false)
		if held, err := n.Holders(); err != nil || len(held) != 0 {
			t.Errorf("addresses are held by %v: %v", held, err)
		}
		if _, err := os.Stat(filepath.Join(namespaces, a.id)); !os.IsNotExist(err) {
			t.Errorf("a namespace is left: %v", err)
		}
		if err := n.Apply(ctx); err != nil {
			t.Fatal(err)
		}
		if now := rules(t); now != set {
			t.Errorf("rules:\n%s\nnot:\n%s", now, set)
		}
		if err := n.Remove(ctx); err != nil {
			t.Fatal(err)
		}
		if after := rules(t); after != before {
			t.Errorf("rules are left:\n%s\nthere were:\n%s", after, before)
		}
	})
}

// TestEntry has a peer that holds all the connections of the router that it gets, and
// another one that comes to it.
func TestEntry(t *testing.T) {
	alone(t, func(t *testing.T) {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 4096, Max: 4096}); err != nil {
			t.Fatal(err)
		}
		entry, other := listen(t, "0.0.0.0:0"), listen(t, "0.0.0.0:0")
		n := At(t.TempDir(), agents.AllocationNetwork{
			Addresses: netip.MustParsePrefix("198.19.16.0/20"), MTU: 1400,
			Entries: []netip.AddrPort{entry},
		})
		if err := n.Apply(context.Background()); err != nil {
			t.Fatal(err)
		}
		for peer, most := range map[string]int{"127.0.0.2": 1000, "127.0.0.3": 1000} {
			if got := held(t, peer, entry, 1100); got != most {
				t.Errorf("%s holds %d connections, not %d", peer, got, most)
			}
		}
		if got := held(t, "127.0.0.2", other, 1100); got != 1100 {
			t.Errorf("of a port that is no entry it holds %d", got)
		}
	})
}

// held is how many of count connections a peer gets. It reads what the server sends and
// keeps its side open, so that each of them counts.
func held(t *testing.T, from string, to netip.AddrPort, count int) int {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	got := 0
	for range count {
		conn, err := dialer.Dial("tcp4", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), to.Port()).String())
		if err != nil {
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Fatalf("after %d: %v", got, err)
			}
			continue
		}
		t.Cleanup(func() { conn.Close() })
		got++
	}
	return got
}

// allocation is a namespace with one program that listens in it, or the machine.
type allocation struct {
	id, address string
	stop        func()
}

// attach does what Nomad does for an allocation, and maps a port of the machine.
func attach(t *testing.T, n Node, port int) allocation {
	t.Helper()
	a := allocation{id: fmt.Sprintf("fngen-test-%d-%d", os.Getpid(), port)}
	sh(t, "ip", "netns", "add", a.id)
	list, err := libcni.ConfListFromFile(n.list())
	if err != nil {
		t.Fatal(err)
	}
	result, err := libcni.NewCNIConfig([]string{Plugins}, nil).AddNetworkList(context.Background(), list, &libcni.RuntimeConf{
		ContainerID: a.id, NetNS: filepath.Join(namespaces, a.id), IfName: "eth0",
		CapabilityArgs: map[string]any{"portMappings": []map[string]any{
			{"hostPort": port, "containerPort": 8080, "protocol": "tcp", "hostIP": "127.0.0.1"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := result.GetAsVersion("1.0.0")
	_, rest, _ := strings.Cut(fmt.Sprintf("%+v", text), "Address:{IP:")
	a.address, _, _ = strings.Cut(rest, " ")
	cmd := exec.Command("ip", "netns", "exec", a.id, "python3", "-c",
		"import socket; s = socket.create_server(('0.0.0.0', 8080)); print('up', flush=True)\nwhile True: s.accept()[0].send(b'!')")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a.stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	t.Cleanup(a.stop)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "up\n" {
		t.Fatalf("the program says %q: %v", line, err)
	}
	return a
}

// reaches asks for a byte of a server.
func reaches(t *testing.T, from allocation, to string, want bool) {
	t.Helper()
	host, port, _ := net.SplitHostPort(to)
	args := []string{"python3", "-c", fmt.Sprintf("import socket; print(socket.create_connection((%q, %s), 30).recv(1))", host, port)}
	if from.id != "" {
		args = append([]string{"ip", "netns", "exec", from.id}, args...)
	}
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if got := err == nil && strings.Contains(string(out), "!"); got != want {
		t.Errorf("%q reaches %s: %v, not %v: %s", from.id, to, got, want, out)
	}
	if strings.Contains(string(out), "timed out") {
		t.Errorf("%q waits for %s, and is not refused", from.id, to)
	}
}

// listen is a server of the machine.
func listen(t *testing.T, at string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "!")
			conn.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// rules are those of the machine, without counters and without what portmap keeps.
func rules(t *testing.T) string {
	t.Helper()
	var out []string
	for line := range strings.Lines(sh(t, "iptables-save")) {
		if strings.Contains(line, "FNGEN") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "") + sh(t, "ip", "route")
}

func sh(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}
