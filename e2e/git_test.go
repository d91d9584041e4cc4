//go:build linux

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// usesRepository answers with what the package says that comes from a repository.
const usesRepository = `from fastapi import FastAPI

import one
from fngen.powers import webapp

app = FastAPI()


@app.get("/")
def index():
    return "%s of one %%d" %% one.VERSION


@webapp(framework="fastapi")
def live_app():
    return app
`

// TestGitRequirement installs a package from a git server of the platform's own, which
// is another host with a certificate that only the platform trusts.
func TestGitRequirement(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east m")
	repo := newRepository(t)
	first := repo.commit(t, 1)
	p := newProject(t)
	p.Write(t, "app.py", fmt.Sprintf(usesRepository, "code 1"))
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "us-east", 1))
	p.Write(t, "requirements.txt", "fastapi\none @ git+"+repo.url+"@main\n")
	pushes := func(want, commit string, args ...string) {
		t.Helper()
		out := p.talk(t, append([]string{"push", p.Name, "."}, args...)...)
		if !strings.Contains(out, repo.url+" at main, commit "+commit) {
			t.Errorf("the push does not name commit %s:\n%s", commit, out)
		}
		if got := body(t, p.URL()); got != strconv.Quote(want) {
			t.Errorf("it answers %s, not %q", got, want)
		}
	}
	pushes("code 1 of one 1", first)

	// The branch goes on: what was built stays until somebody asks for more.
	second := repo.commit(t, 2)
	p.Write(t, "app.py", fmt.Sprintf(usesRepository, "code 2"))
	if plan := p.Run(t, "plan", p.Name, "."); !strings.Contains(plan, "at main, commit "+first) {
		t.Errorf("the plan does not name the commit:\n%s", plan)
	}
	pushes("code 2 of one 1", first)
	pushes("code 2 of one 2", second, "--rebuild")

	p.Write(t, "requirements.txt", "fastapi\none @ git+"+repo.url+"@nope\n")
	out, code := p.fails(t, "push", p.Name, ".")
	if want := "requirements.txt:2:1: error[FN2003]: the repository " + repo.url + ` has no branch, tag or commit "nope"`; code != 1 || !strings.Contains(out, want) {
		t.Errorf("exit code %d, it does not say %q:\n%s", code, want, out)
	}
	if got := body(t, p.URL()); got != `"code 2 of one 2"` {
		t.Errorf("after a push that was refused it answers %s", got)
	}
}

// repository is one on a git server that builds reach.
type repository struct{ dir, url string }

func newRepository(t *testing.T) repository {
	t.Helper()
	root := t.TempDir()
	core, err := exec.Command("git", "--exec-path").Output()
	check(t, err)
	server := httptest.NewUnstartedServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(core)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	})
	check(t, server.Listener.Close())
	server.Listener = elsewhere(t)
	host := server.Listener.Addr().(*net.TCPAddr).IP
	certificate, authority := certified(t, host)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	believe(t, host.String(), authority)
	r := repository{filepath.Join(root, "one.git"), server.URL + "/one.git"}
	check(t, os.Mkdir(r.dir, 0o755))
	r.git(t, "init", "--quiet", "--initial-branch=main")
	return r
}

// commit makes a version of the package the head of the branch, and returns the commit.
func (r repository) commit(t *testing.T, version int) string {
	t.Helper()
	for name, text := range map[string]string{
		"pyproject.toml": "[project]\nname = \"one\"\nversion = \"1.0\"\n[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
		"backend.py":     oneBackend, "one.py": fmt.Sprintf("VERSION = %d\n", version),
	} {
		check(t, os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644))
	}
	r.git(t, "add", ".")
	r.git(t, "commit", "--quiet", "--message=version")
	return r.git(t, "rev-parse", "HEAD")
}

func (r repository) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// oneBackend makes a wheel of one module without any other package.
const oneBackend = `import zipfile


def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "one-1.0-py3-none-any.whl"
    with zipfile.ZipFile(directory + "/" + name, "w") as wheel:
        wheel.write("one.py")
        wheel.writestr("one-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: one\nVersion: 1.0\n")
        wheel.writestr("one-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("one-1.0.dist-info/RECORD", "")
    return name
`

// hosts counts those that elsewhere has made.
var hosts atomic.Int32

// elsewhere listens at another host, as far as builds can tell: in a network namespace,
// joined to the machine by a cable, which lasts as long as the test.
func elsewhere(t *testing.T) net.Listener {
	t.Helper()
	n := int(hosts.Add(1))
	cable := fmt.Sprintf("fn%d.%d", n, os.Getpid())
	router, at := fmt.Sprintf("198.18.255.%d", 4*n+1), fmt.Sprintf("198.18.255.%d", 4*n+2)
	machine, host := router+"/30", at+"/30"
	ip := func(args ...string) error {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w\n%s", args, err, out)
		}
		return nil
	}
	ready, joined, done := make(chan error), make(chan error), make(chan struct{})
	var thread int
	var listener net.Listener
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
		thread = unix.Gettid()
		ready <- unix.Unshare(unix.CLONE_NEWNET)
		if <-joined != nil {
			return
		}
		var err error
		for _, args := range [][]string{{"link", "set", "lo", "up"}, {"addr", "add", host, "dev", cable}, {"link", "set", cable, "up"}, {"route", "add", "default", "via", router}} {
			if err == nil {
				err = ip(args...)
			}
		}
		if err == nil {
			listener, err = net.Listen("tcp4", at+":0")
		}
		ready <- err
		<-done
	}()
	t.Cleanup(func() { close(done) })
	check(t, <-ready)
	err := ip("link", "add", cable+"m", "type", "veth", "peer", "name", cable, "netns", strconv.Itoa(thread))
	joined <- err
	check(t, err)
	t.Cleanup(func() { _ = ip("link", "del", cable+"m") })
	check(t, <-ready)
	check(t, ip("addr", "add", machine, "dev", cable+"m"))
	check(t, ip("link", "set", cable+"m", "up"))
	return listener
}

// certified makes a certificate for an address, and the authority to trust for it.
func certified(t *testing.T, ip net.IP) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{ip},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// believe tells builds of a git server of the platform's own, as `make up` with
// FNGEN_GIT_HOSTS and FNGEN_GIT_CA does.
func believe(t *testing.T, host string, authority []byte) {
	t.Helper()
	settings := "../.dev/node/etc/build.env"
	before, err := os.ReadFile(settings)
	check(t, err)
	check(t, os.WriteFile("../.dev/node/etc/git-ca.pem", authority, 0o644))
	t.Cleanup(func() {
		check(t, os.WriteFile(settings, before, 0o600))
		check(t, os.Remove("../.dev/node/etc/git-ca.pem"))
	})
	after := fmt.Sprintf("%sFNGEN_GIT_HOSTS=%s\nFNGEN_GIT_CA=/opt/fngen/etc/git-ca.pem\n", before, host)
	check(t, os.WriteFile(settings, []byte(after), 0o600))
}
