//go:build linux

package isolation

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/nomad/dev/layout"
)

// uploads is an application that reads bodies in the few threads that requests have.
const uploads = `from flask import Flask, request

from fngen.powers import webapp

app = Flask(__name__)


@app.get("/")
def index():
    return "here"


@app.post("/upload")
def upload():
    return str(len(request.get_data()))


@webapp(framework="flask", threads=4)
def live_app():
    return app
`

// TestSlowPeers is a peer that holds all connections that it gets, with halves of heads
// and bodies that come byte by byte, while somebody else is answered.
func TestSlowPeers(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "spare")
	p := e2etest.New(t)
	p.Write(t, "app.py", uploads)
	p.Write(t, "requirements.txt", "flask\n")
	p.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	p.Run(t, "push", p.Name, ".")

	const heads, bodies, connections = 100, 60, 1000
	peer := newPeer(t)
	begun, result := peer.attack(t, p, heads, bodies, connections)
	<-begun
	client, worst := e2etest.Router(t), time.Duration(0)
	client.Timeout = 20 * time.Second // what a person bears, on a machine that is busy with this
	asked := 0
	var found slowness
	for over := false; !over; {
		select {
		case found, over = <-result:
		default:
			began := time.Now()
			res, err := client.Get(p.URL())
			if err != nil {
				t.Fatalf("who is no slow peer is not answered, after %d requests: %v", asked, err)
			}
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || res.StatusCode != http.StatusOK || string(text) != "here" {
				t.Fatalf("he is answered by %s %q: %v", res.Status, text, err)
			}
			asked, worst = asked+1, max(worst, time.Since(began))
		}
	}
	t.Logf("%d requests were answered meanwhile, the slowest in %s; the peer: %+v", asked, worst, found)
	if found.Refused < heads+bodies {
		t.Errorf("of %d connections %d are refused, not the %d above a thousand", heads+bodies+connections, found.Refused, heads+bodies)
	}
	if !slices.Equal(found.Statuses, []int{http.StatusRequestTimeout}) || found.Soonest < 50 {
		t.Errorf("slow bodies are answered by %v after %.0f to %.0f s", found.Statuses, found.Soonest, found.Latest)
	}
	if found.Latest > 100 {
		t.Errorf("a slow body is held for %.0f s", found.Latest)
	}
}

// slowness is what became of an attack.
type slowness struct {
	Refused         int
	Statuses        []int
	Soonest, Latest float64
}

// peer is a machine of its own beside the cluster's.
type peer struct{ namespace, gateway string }

// newPeer joins a network namespace to the machine by a link, on which the machine's
// address leads to the router.
func newPeer(t *testing.T) peer {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root makes network namespaces")
	}
	id := strconv.Itoa(os.Getpid())
	p := peer{namespace: "fngen-peer-" + id, gateway: "198.18.255.1"}
	out, in := "fnp"+id, "fnq"+id
	host, port, err := net.SplitHostPort(os.Getenv("FNGEN_INGRESS"))
	check(t, err)
	shell(t, "ip", "netns", "add", p.namespace)
	t.Cleanup(func() { shell(t, "ip", "netns", "del", p.namespace) })
	shell(t, "ip", "link", "add", out, "type", "veth", "peer", "name", in, "netns", p.namespace)
	shell(t, "ip", "addr", "add", p.gateway+"/30", "dev", out)
	shell(t, "ip", "link", "set", out, "up")
	for _, args := range [][]string{{"addr", "add", "198.18.255.2/30", "dev", in}, {"link", "set", in, "up"}, {"link", "set", "lo", "up"}} {
		shell(t, "ip", append([]string{"-n", p.namespace}, args...)...)
	}
	if host == layout.Loopback {
		check(t, os.WriteFile("/proc/sys/net/ipv4/conf/"+out+"/route_localnet", []byte("1"), 0))
		rule := []string{"PREROUTING", "-i", out, "-p", "tcp", "--dport", port, "-j", "DNAT", "--to-destination", host + ":" + port}
		shell(t, "iptables", append([]string{"--wait", "10", "-t", "nat", "-A"}, rule...)...)
		t.Cleanup(func() { shell(t, "iptables", append([]string{"--wait", "10", "-t", "nat", "-D"}, rule...)...) })
	}
	return p
}

// attack has the peer attack a project. The one channel is closed when all of its
// connections are there, the other one tells what became of it.
func (p peer) attack(t *testing.T, target e2etest.Project, heads, bodies, connections int) (<-chan struct{}, <-chan slowness) {
	t.Helper()
	program, err := filepath.Abs("testdata/slowpeer.py")
	check(t, err)
	_, port, err := net.SplitHostPort(os.Getenv("FNGEN_INGRESS"))
	check(t, err)
	cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", p.namespace, "python3", program, p.gateway, port,
		target.Name+"."+os.Getenv("FNGEN_DOMAIN"), fmt.Sprint(heads), fmt.Sprint(bodies), fmt.Sprint(connections))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	begun, result := make(chan struct{}), make(chan slowness, 1)
	go func() {
		lines := bufio.NewScanner(out)
		lines.Scan()
		close(begun)
		var s slowness
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &s) != nil {
			s.Statuses = nil // it broke off, and has said why
		}
		result <- s
	}()
	return begun, result
}

func shell(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %v: %v: %s", name, args, err, out)
	}
}
