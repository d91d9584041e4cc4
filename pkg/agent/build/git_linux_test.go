package build

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/pkg/agent/agenttest"
	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/program"
	"fngen.dev/fngen/pkg/agent/testbed"
	"fngen.dev/fngen/pkg/api"
)

// buildBackend makes a wheel of one module without any other package.
const buildBackend = `
import zipfile

NAME = %NAME%

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = NAME + "-1.0-py3-none-any.whl"
    info = NAME + "-1.0.dist-info/"
    with zipfile.ZipFile(directory + "/" + name, "w") as wheel:
        wheel.write("module.py", NAME + ".py")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: " + NAME + "\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")
    return name
`

// repositories is a git server over HTTPS at 127.0.0.1.
type repositories struct {
	*httptest.Server
	dir string
}

func newRepositories(t *testing.T) *repositories {
	t.Helper()
	if _, err := os.Stat("/usr/lib/git-core/git-http-backend"); err != nil {
		t.Skip("no git on this machine")
	}
	r := &repositories{dir: t.TempDir()}
	backend := &cgi.Handler{Path: "/usr/lib/git-core/git-http-backend", Env: []string{"GIT_PROJECT_ROOT=" + r.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}}
	mux := http.NewServeMux()
	mux.Handle("/", backend)
	mux.Handle("/moved/", http.RedirectHandler("/one.git/info/refs?service=git-upload-pack", http.StatusMovedPermanently))
	r.Server = httptest.NewTLSServer(mux)
	t.Cleanup(r.Close)
	return r
}

// make fills a repository with two commits of a package: the first has the tag v1,
// the second is the branch main.
func (r *repositories) make(t *testing.T, name string) (first, second string) {
	t.Helper()
	dir := filepath.Join(r.dir, name+".git")
	run := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run("init", "--quiet", "--initial-branch=main")
	write("pyproject.toml", "[project]\nname = \""+name+"\"\nversion = \"1.0\"\n[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n")
	write("backend.py", strings.ReplaceAll(buildBackend, "%NAME%", `"`+name+`"`))
	write("module.py", "VERSION = 1\n")
	run("add", ".")
	run("commit", "--quiet", "--message=one")
	run("tag", "--annotate", "--message=one", "v1")
	first = run("rev-parse", "HEAD")
	write("module.py", "VERSION = 2\n")
	run("commit", "--quiet", "--all", "--message=two")
	return first, run("rev-parse", "HEAD")
}

// allowGit lets builds of the machine reach the server.
func allowGit(t *testing.T, m *testbed.Machine, r *repositories, hosts string) {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})
	if _, err := x509.ParseCertificate(r.Certificate().Raw); err != nil {
		t.Fatal(err)
	}
	m.Write(t, m.Node+"/etc/git-ca.pem", string(ca), 0o644)
	// Others are held to what the whole machine trusts, in which the server's is not.
	m.Write(t, m.Node+"/etc/build.env", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\nFNGEN_GIT_CA="+m.Node+"/etc/git-ca.pem\nFNGEN_GIT_HOSTS="+hosts+"\n", 0o600)
}

// TestBuildFromGit takes packages from repositories in every form that a file may
// have, at the commits that their refs stood for.
func TestBuildFromGit(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	r := newRepositories(t)
	allowGit(t, m, r, "127.0.0.1")
	oneFirst, _ := r.make(t, "one")
	_, twoSecond := r.make(t, "two")
	threeFirst, _ := r.make(t, "three")
	_, fourSecond := r.make(t, "four")
	url := func(name, ref string) string { return "git+" + r.URL + "/" + name + ".git" + ref }
	digest := c.Tree(t, agenttest.Entry{Name: "requirements.txt", Content: "# four forms\none @ " + url("one", "@v1") + " ; python_version >= '3'\n" +
		"-e " + url("two", "@main#egg=two") + "\n" + url("three", "@"+threeFirst[:9]) + "\n-r more.txt\n"},
		agenttest.Entry{Name: "more.txt", Content: "four @ " + url("four", "") + "\n"})
	p := testbed.Start(t, m.Agent(t, c, "build", digest, "--layer=git1", "--file=requirements.txt", "--copy-tree"))
	if code := p.Wait(t); code != 0 {
		t.Fatalf("exit code is %d; said %s", code, &p.Said)
	}
	layer := m.Cache + "/700999/layers/git1"
	text, err := os.ReadFile(filepath.Join(layer, sourcesFile))
	if err != nil {
		t.Fatal(err)
	}
	var sources []api.GitSource
	if err := json.Unmarshal(text, &sources); err != nil {
		t.Fatal(err)
	}
	want := []string{oneFirst, twoSecond, threeFirst, fourSecond}
	for i, version := range []string{"1", "2", "1", "2"} {
		name := []string{"one", "two", "three", "four"}[i]
		module, err := os.ReadFile(filepath.Join(layer, "lib/python3.11/site-packages", name+".py"))
		if err != nil || string(module) != "VERSION = "+version+"\n" {
			t.Errorf("%s is %q, %v", name, module, err)
		}
		if i >= len(sources) || sources[i].Commit != want[i] || !strings.HasSuffix(sources[i].URL, "/"+name+".git") {
			t.Errorf("%s is not from commit %s: %s", name, want[i], text)
		}
	}
	if said := p.Said.String(); !strings.Contains(said, "v1 of "+r.URL+"/one.git is commit "+oneFirst) {
		t.Errorf("the commit is not said: %s", said)
	}
}

// TestBuildFromGitElsewhere takes them from pyproject.toml and from a lock.
func TestBuildFromGitElsewhere(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	r := newRepositories(t)
	allowGit(t, m, r, "127.0.0.1")
	first, second := r.make(t, "one")
	project := "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['one']\n"
	for layer, tree := range map[string][]agenttest.Entry{
		"sources": {{Name: "pyproject.toml", Content: project + "[tool.uv.sources]\none = {git = '" + r.URL + "/one.git', branch = 'main'}\n"}},
		"pdmlock": {{Name: "pyproject.toml", Content: project}, {Name: "pdm.lock", Content: "[metadata]\nlock_version = '4.5.0'\nstrategy = ['inherit_metadata']\n" +
			"[[package]]\nname = 'one'\nversion = '1.0'\ngroups = ['default']\ngit = '" + r.URL + "/one.git'\nref = 'main'\nrevision = '" + first + "'\n"}},
	} {
		p := testbed.Start(t, m.Agent(t, c, "build", c.Tree(t, tree...), "--layer="+layer, "--file="+tree[len(tree)-1].Name, "--copy-tree"))
		if code := p.Wait(t); code != 0 {
			t.Fatalf("%s: exit code is %d; said %s", layer, code, &p.Said)
		}
		want := map[string]string{"sources": "2", "pdmlock": "1"}[layer]
		module, err := os.ReadFile(m.Cache + "/700999/layers/" + layer + "/lib/python3.11/site-packages/one.py")
		if err != nil || string(module) != "VERSION = "+want+"\n" {
			t.Errorf("%s: the module is %q, %v", layer, module, err)
		}
		text, _ := os.ReadFile(m.Cache + "/700999/layers/" + layer + "/" + sourcesFile)
		if commit := map[string]string{"sources": second, "pdmlock": first}[layer]; !strings.Contains(string(text), commit) {
			t.Errorf("%s: the commit is not kept: %s", layer, text)
		}
	}
}

// TestBuildFromGitRefused: what cannot be taken is said with its line, and nothing
// of it reaches the layer.
func TestBuildFromGitRefused(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	r := newRepositories(t)
	r.make(t, "one")
	for _, refused := range []struct{ layer, hosts, line, want string }{
		{"noref", "127.0.0.1", "one @ git+" + r.URL + "/one.git@nope", "requirements.txt:2:1: error[FN2003]: the repository " + r.URL + "/one.git has no branch, tag or commit \"nope\""},
		{"nocommit", "127.0.0.1", "one @ git+" + r.URL + "/one.git@abcdef0", "requirements.txt:2:1: error[FN2003]: the repository " + r.URL + "/one.git has no branch, tag or commit \"abcdef0\""},
		{"norepo", "127.0.0.1", "one @ git+" + r.URL + "/none.git", "requirements.txt:2:1: error[FN2003]: the repository " + r.URL + "/none.git cannot be read"},
		{"moved", "127.0.0.1", "one @ git+" + r.URL + "/moved/one.git", "requirements.txt:2:1: error[FN2003]: the repository " + r.URL + "/moved/one.git cannot be read"},
		{"loopback", "", "one @ git+" + r.URL + "/one.git@main", "requirements.txt:2:1: error[FN2005]: the host 127.0.0.1 is at 127.0.0.1, an address of the node itself"},
		{"commit", "", "one @ git+" + r.URL + "/one.git@0123456789012345678901234567890123456789", "error[FN2005]"},
	} {
		allowGit(t, m, r, refused.hosts)
		digest := c.Tree(t, agenttest.Entry{Name: "requirements.txt", Content: "# " + refused.layer + "\n" + refused.line + "\n"})
		p := testbed.Start(t, m.Agent(t, c, "build", digest, "--layer="+refused.layer, "--file=requirements.txt", "--copy-tree"))
		if code := p.Wait(t); code != console.ExitRefused || !strings.Contains(p.Said.String(), refused.want) {
			t.Errorf("%s: exit code is %d; said %s", refused.layer, code, &p.Said)
		}
		if _, err := os.Stat(m.Cache + "/700999/layers/" + refused.layer); err == nil {
			t.Errorf("%s: there is a layer", refused.layer)
		}
	}
}

// TestBuildFromGitUntrusted holds that the platform's own servers are believed by the
// certificates that were named for them, and by no others.
func TestBuildFromGitUntrusted(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	r := newRepositories(t)
	r.make(t, "one")
	m.Write(t, m.Node+"/etc/build.env", "FNGEN_GIT_HOSTS=127.0.0.1\n", 0o600)
	digest := c.Tree(t, agenttest.Entry{Name: "requirements.txt", Content: "one @ git+" + r.URL + "/one.git@main\n"})
	p := testbed.Start(t, m.Agent(t, c, "build", digest, "--layer=untrusted", "--file=requirements.txt", "--copy-tree"))
	if code := p.Wait(t); code != console.ExitRefused || !strings.Contains(p.Said.String(), "requirements.txt:1:1: error[FN2003]") || !strings.Contains(p.Said.String(), "certificate") {
		t.Errorf("exit code is %d; said %s", code, &p.Said)
	}
}

// TestNoGit is a node without git.
func TestNoGit(t *testing.T) {
	g := &git{command: program.Command{Path: filepath.Join(t.TempDir(), "git")}}
	place := literal.Place{File: "requirements.txt", Line: 2, Column: 1}
	_, err := g.commit(t.Context(), dependencies.Git{Name: "one", URL: "https://git.example/one.git", Place: place})
	if !errors.Is(err, errRefused) || err.Error() != "requirements.txt:2:1: error[FN2004]: this node has no git, which the requirement needs" {
		t.Error(err)
	}
}

func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1": false, "127.8.9.1": false, "0.0.0.0": false, "169.254.169.254": false, "224.0.0.1": false, "::1": false, "::": false, "fe80::1": false,
		"::ffff:127.0.0.1": false, "10.0.0.1": true, "192.168.1.1": true, "140.82.121.3": true, "2606:50c0::1": true,
	} {
		if got := public(netip.MustParseAddr(text).Unmap()); got != want {
			t.Errorf("public(%s) = %v", text, got)
		}
	}
}

// TestSubmodulesElsewhere holds that a repository does not have another one fetched
// from a host that nobody has looked at, such as the node itself.
func TestSubmodulesElsewhere(t *testing.T) {
	t.Parallel()
	c := testbed.NewControlPlane(t)
	m := testbed.NewMachine(t, c)
	installUV(t, m)
	r := newRepositories(t)
	allowGit(t, m, r, "127.0.0.1")
	var asked atomic.Int32
	elsewhere := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		r.Config.Handler.ServeHTTP(w, req)
	}))
	elsewhere.Listener.Close()
	var err error
	if elsewhere.Listener, err = net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("this machine has no second address of its own: %v", err)
	}
	elsewhere.StartTLS()
	t.Cleanup(elsewhere.Close)
	r.make(t, "inner")
	for layer, from := range map[string]string{"near": r.URL, "elsewhere": elsewhere.URL} {
		r.make(t, layer)
		dir := filepath.Join(r.dir, layer+".git")
		cmd := exec.Command("git", "-C", dir, "-c", "http.sslVerify=false", "-c", "user.name=t", "-c", "user.email=t@example.com", "submodule", "--quiet", "add", from+"/inner.git", "inner")
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_SSL_NO_VERIFY=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := exec.Command("git", "-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message=sub").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		before := asked.Load()
		digest := c.Tree(t, agenttest.Entry{Name: "requirements.txt", Content: layer + " @ git+" + r.URL + "/" + layer + ".git@main\n"})
		p := testbed.Start(t, m.Agent(t, c, "build", digest, "--layer="+layer, "--file=requirements.txt", "--copy-tree"))
		code := p.Wait(t)
		if wrong := (code == 0) != (layer == "near"); wrong || asked.Load() > before {
			t.Errorf("%s: exit code %d, %d requests elsewhere; said %s", layer, code, asked.Load()-before, &p.Said)
		}
	}
}
