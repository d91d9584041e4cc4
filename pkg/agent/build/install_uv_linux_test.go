package build

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/agent/testbed"
)

// installUV puts the real uv on the node, and this machine's way to a package
// index into the node's build settings.
func installUV(t *testing.T, m *testbed.Machine) {
	t.Helper()
	m.Wheel(t)
	wheel := downloadUV(t)
	out := filepath.Join(m.Dir, "wheel")
	if text, err := exec.Command("python3", "-m", "zipfile", "-e", wheel, out).CombinedOutput(); err != nil {
		t.Fatalf("unpack uv: %v\n%s", err, text)
	}
	uv, err := os.ReadFile(out + "/uv-" + uvVersion + ".data/scripts/uv")
	if err != nil {
		t.Fatal(err)
	}
	m.Write(t, m.Node+"/bin/uv", string(uv), 0o755)
	settings := "# for the test\nSETTING=of the platform\n"
	for _, name := range []string{"SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "UV_DEFAULT_INDEX"} {
		if v := os.Getenv(name); v != "" {
			settings += name + "=" + v + "\n"
		}
	}
	if index := pipIndex(); index != "" {
		settings += "UV_DEFAULT_INDEX=" + index + "\n"
	}
	m.Write(t, m.Node+"/etc/build.env", settings, 0o600)
}

func pipIndex() string {
	if v := os.Getenv("PIP_INDEX_URL"); v != "" {
		return v
	}
	out, err := exec.Command("python3", "-m", "pip", "config", "get", "global.index-url").Output()
	if err != nil {
		return "" // pip's own default
	}
	return strings.TrimSpace(string(out))
}

// downloadUV returns uv's wheel, kept from one run to the next.
func downloadUV(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "fngen", "test")
	pattern := filepath.Join(dir, "uv-"+uvVersion+"-*.whl")
	if found, _ := filepath.Glob(pattern); len(found) == 1 {
		return found[0]
	}
	text, err := exec.Command("python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", dir, "uv=="+uvVersion).CombinedOutput()
	found, _ := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Skipf("the package index cannot be reached: pip download uv: %v\n%s", err, text)
	}
	return found[0]
}

// sourceDistribution is version 1.0 of a package that only has a setup.py.
func sourceDistribution(t *testing.T, name, setup string) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	metadata := "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n"
	for path, content := range map[string]string{"setup.py": setup, "PKG-INFO": metadata} {
		h := &tar.Header{Name: name + "-1.0/" + path, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
