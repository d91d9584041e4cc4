//go:build linux

package isolation

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/nomad/dev/layout"
)

// prober is an application that tries what its requests tell it to.
const prober = `import resource
import socket
import threading
import time
from typing import Annotated

from fastapi import FastAPI, Query

from fngen.powers import webapp
from probe import reach

try:
    from probe.found import FOUND
except ImportError:
    FOUND = {}


def squat(host, port):
    """Takes the port as soon as it is free, and answers in place of its owner."""
    while True:
        try:
            server = socket.create_server((host, port), backlog=100)
            break
        except OSError:
            time.sleep(0.005)
    while True:
        client, _ = server.accept()
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nstolen")
        client.close()


HELD = []


app = FastAPI()


@app.get("/")
def index():
    return "prober"


@app.get("/reach")
def reach_all(to: Annotated[list[str], Query()]):
    return {each: reach(each) for each in to}


@app.get("/built")
def built():
    return FOUND


@app.get("/gateway")
def gateway():
    for line in open("/proc/net/route").read().splitlines()[1:]:
        fields = line.split()
        if fields[1] == "00000000":
            return socket.inet_ntoa(bytes.fromhex(fields[2])[::-1])
    return ""


@app.get("/squat")
def squat_on(to: str):
    host, port = to.split(":")
    threading.Thread(target=squat, args=(host, int(port)), daemon=True).start()
    return True


@app.get("/flood")
def flood(host: str):
    """Takes as many ports as it can get of those that instances are given."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    for port in range(20000, 32001):
        held = socket.socket()
        try:
            held.bind((host, port))
            HELD.append(held)
        except OSError as e:
            held.close()
            if e.errno == 24:
                break
    return len(HELD)


@webapp(framework="fastapi")
def live_app():
    return app
`

// probe is a package of the prober's tree. Installing it tries the same from a build
// and leaves what was found in the package.
const probe = `import socket


def reach(to):
    host, port = to.rsplit(":", 1)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), 3):
            return "open"
    except OSError as e:
        return str(e)
`

const probeBackend = `import base64
import hashlib
import os
import zipfile


def _wheel(directory, entries):
    here = os.path.dirname(os.path.abspath(__file__))
    code = open(os.path.join(here, "probe", "__init__.py")).read()
    space = {}
    exec(code, space)
    found = {to: space["reach"](to) for to in open(os.path.join(here, "targets")).read().split()}
    entries = {
        "probe/__init__.py": code,
        "probe/found.py": "FOUND = %r\n" % (found,),
        "probe-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n",
        "probe-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: probe\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        "%s,sha256=%s,%d\n" % (n, base64.urlsafe_b64encode(hashlib.sha256(c.encode()).digest()).rstrip(b"=").decode(), len(c.encode()))
        for n, c in entries.items()
    )
    entries["probe-1.0.dist-info/RECORD"] = record + "probe-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(os.path.join(directory, "probe-1.0-py3-none-any.whl"), "w") as z:
        for name, content in entries.items():
            z.writestr(name, content)
    return "probe-1.0-py3-none-any.whl"


def build_wheel(directory, config_settings=None, metadata_directory=None):
    return _wheel(directory, {})
`

// TestNetworkIsolation is a stranger's function, and his build, beside a function of
// somebody else.
func TestNetworkIsolation(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "s", "spare")
	victim := e2etest.New(t)
	victim.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "one", 0))
	victim.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	victim.Run(t, "push", victim.Name, ".")
	mapped, inside := addresses(t, victim)

	hidden := distinct(append(platformServers(t), mapped, inside))
	stranger := e2etest.NewOf(t, e2etest.StrangersKey(t))
	stranger.Write(t, "app.py", prober)
	stranger.Write(t, "fngen.yml", e2etest.OnServers("s", "us-west", 1))
	stranger.Write(t, "requirements.txt", "fastapi\n./lib\n")
	for name, text := range map[string]string{
		"probe/__init__.py": probe, "backend.py": probeBackend, "targets": strings.Join(hidden, "\n"),
		"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n\n[project]\nname = \"probe\"\nversion = \"1.0\"\n",
	} {
		check(t, os.MkdirAll(stranger.Dir+"/lib/probe", 0o755))
		stranger.Write(t, "lib/"+name, text)
	}
	stranger.Run(t, "push", stranger.Name, ".")

	t.Run("build", func(t *testing.T) {
		var found map[string]string
		asks(t, stranger, "built", nil, &found)
		closed(t, hidden, found)
	})
	t.Run("function", func(t *testing.T) {
		var gateway string
		asks(t, stranger, "gateway", nil, &gateway)
		targets := distinct(append(hidden, atAddress(hidden, gateway)...))
		var found map[string]string
		asks(t, stranger, "reach", url.Values{"to": targets}, &found)
		closed(t, targets, found)
	})
	t.Run("doors", func(t *testing.T) { openDoors(t, stranger) })
	t.Run("ports", func(t *testing.T) {
		var held int
		host, _, _ := net.SplitHostPort(mapped)
		asks(t, stranger, "flood", url.Values{"host": {host}}, &held)
		asks(t, stranger, "squat", url.Values{"to": {mapped}}, new(bool))
		t.Logf("the stranger holds %d ports of %s", held, host)
		keepsItsPort(t, victim)
		victim.Write(t, "app.py", fmt.Sprintf(e2etest.SlowApp, "two", 0))
		victim.Run(t, "push", victim.Name, ".") // new instances find ports
	})
}

// platformServers are all that listens on the machine for the platform, at each
// address of the machine.
func platformServers(t *testing.T) []string {
	t.Helper()
	hosts := []string{layout.Loopback}
	addrs, err := net.InterfaceAddrs()
	check(t, err)
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && (ip.IP.IsGlobalUnicast() || ip.IP.IsLoopback()) && ip.IP.String() != layout.Loopback {
			hosts = append(hosts, ip.IP.String())
		}
	}
	out := []string{"169.254.169.254:80"} // what a cloud tells a machine of itself
	for _, host := range hosts {
		for _, port := range []int{
			layout.NomadPort, layout.NomadRPCPort, 4648, layout.ConsulPort, 8300, 8301, layout.VaultPort, layout.VaultRaftPort,
			layout.LokiPort, layout.LokiGRPCPort, layout.TraefikAPIPort, layout.RabbitAdminPort, layout.RabbitDistPort, layout.EpmdPort,
		} {
			out = append(out, net.JoinHostPort(host, strconv.Itoa(port)))
		}
	}
	return out
}

// addresses are where the router finds the one instance of a project, and what it has
// in its own network.
func addresses(t *testing.T, p e2etest.Project) (mapped, inside string) {
	t.Helper()
	alloc, _, err := e2etest.NomadClient(t).Allocations().Info(p.Running(t)[0].ID, nil)
	check(t, err)
	port := alloc.AllocatedResources.Shared.Ports[0]
	mapped = net.JoinHostPort(port.HostIP, strconv.Itoa(port.Value))
	if alloc.NetworkStatus == nil {
		return mapped, mapped
	}
	return mapped, net.JoinHostPort(alloc.NetworkStatus.Address, strconv.Itoa(port.To))
}

// atAddress are the ports of some servers at another address of the machine.
func atAddress(servers []string, host string) []string {
	var out []string
	for _, server := range servers {
		_, port, _ := net.SplitHostPort(server)
		out = append(out, net.JoinHostPort(host, port))
	}
	return out
}

func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func closed(t *testing.T, targets []string, found map[string]string) {
	t.Helper()
	if len(targets) == 0 || len(found) != len(targets) {
		t.Errorf("%d of %d were tried", len(found), len(targets))
	}
	for to, result := range found {
		if result == "open" {
			t.Errorf("%s is open", to)
		}
	}
}

// openDoors holds that what a function needs is there: the API by its name, in its
// place at the router.
func openDoors(t *testing.T, p e2etest.Project) {
	api, err := url.Parse(os.Getenv("FNGEN_API_URL"))
	check(t, err)
	port := api.Port()
	if port == "" {
		port = "443"
	}
	door := net.JoinHostPort(api.Hostname(), port)
	var found map[string]string
	asks(t, p, "reach", url.Values{"to": {door}}, &found)
	if found[door] != "open" {
		t.Errorf("%s: %s", door, found[door])
	}
}

// keepsItsPort kills an instance, and asks until it answers again: nobody else does
// meanwhile.
func keepsItsPort(t *testing.T, p e2etest.Project) {
	t.Helper()
	check(t, e2etest.OneMachine(t).KillInstance(p.Running(t)[0].ID, "python"))
	client := e2etest.Router(t)
	if !e2etest.Eventually(func() bool {
		again := p.Running(t)
		return answer(t, client, p) && len(again) == 1 && again[0].TaskStates["app"].Restarts > 0
	}) {
		t.Fatal("it does not come back ")
	}
}

// answer says whether a project answers, and fails when a stranger does.
func answer(t *testing.T, client *http.Client, p e2etest.Project) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL(), nil)
	check(t, err)
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if strings.Contains(string(body), "stolen") {
		t.Fatalf("a stranger answers for %s", p.Name)
	}
	return res.StatusCode == http.StatusOK
}
