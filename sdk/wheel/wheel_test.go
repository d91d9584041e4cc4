package wheel

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const root = "../.."

func here(t *testing.T) Target {
	t.Helper()
	for _, p := range Targets {
		if p.Name() == runtime.GOOS+"/"+runtime.GOARCH {
			return p
		}
	}
	t.Skipf("no wheel is made for %s/%s", runtime.GOOS, runtime.GOARCH)
	return Target{}
}

// TestWheelInstalls installs the wheel of this machine by pip into an empty
// environment, and runs what it has.
func TestWheelInstalls(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	dir, platform := t.TempDir(), here(t)
	var sums [2][sha256.Size]byte
	var wheel string
	for i := range sums {
		p, err := Read(root)
		if err != nil {
			t.Fatal(err)
		}
		program, err := platform.Build(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		name, data, err := p.Wheel(platform, program)
		if err != nil {
			t.Fatal(err)
		}
		sums[i], wheel = sha256.Sum256(data), filepath.Join(dir, name)
		if err := os.WriteFile(wheel, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds differ: %x and %x", sums[0], sums[1])
	}
	if out, err := exec.Command(python, "-m", "venv", filepath.Join(dir, "venv")).CombinedOutput(); err != nil {
		t.Skipf("this Python makes no environments: %s", out)
	}
	venv := filepath.Join(dir, "venv", "bin")
	run(t, "", filepath.Join(venv, "pip"), "install", "--no-index", "--disable-pip-version-check", wheel)
	run(t, "No broken requirements", filepath.Join(venv, "pip"), "check", "--disable-pip-version-check")
	want := "fngen " + version(t)
	run(t, want, filepath.Join(venv, "fngen"), "version")
	run(t, want, filepath.Join(venv, "python"), "-m", "fngen", "version")
	run(t, `job "web-live_app"`, filepath.Join(venv, "fngen"), "compile", filepath.Join(root, "examples", "hello"))
	run(t, "ok", filepath.Join(venv, "python"), "-c", "from fngen.powers import webapp; print('ok')")
	testNoProgram(t, venv)
}

// testNoProgram takes the program away, as in the wheel for any platform.
func testNoProgram(t *testing.T, venv string) {
	if err := os.Remove(filepath.Join(venv, "fngen")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(venv, "python"), "-m", "fngen", "version")
	cmd.Env = []string{"PATH=" + venv, "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `there is no program "fngen" beside this Python`) {
		t.Errorf("without a program: %v, %s", err, out)
	}
}

func run(t *testing.T, want, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		t.Fatalf("%s %q: %v, want %q in:\n%s", name, args, err, want, out)
	}
}

func version(t *testing.T) string {
	t.Helper()
	p, err := Read(root)
	if err != nil {
		t.Fatal(err)
	}
	return p.Version
}

// TestRecord reads the wheel without a program as an installer does: RECORD lists
// every file with its digest, and the modes are those that installers want.
func TestRecord(t *testing.T) {
	p, err := Read(root)
	if err != nil {
		t.Fatal(err)
	}
	name, data, err := p.Wheel(Targets[len(Targets)-1], nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := "fngen-" + p.Version + "-py3-none-any.whl"; name != want {
		t.Errorf("the wheel is %s, want %s", name, want)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	var recorded string
	for _, f := range z.File {
		content := read(t, f)
		if strings.HasSuffix(f.Name, "/RECORD") {
			recorded = string(content)
			fmt.Fprintf(&want, "%s,,\n", f.Name)
			continue
		}
		sum := sha256.Sum256(content)
		fmt.Fprintf(&want, "%s,sha256=%s,%d\n", f.Name, base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
		if f.Mode() != 0o644 || strings.Contains(f.Name, "__pycache__") || strings.Contains(f.Name, "scripts/") {
			t.Errorf("%s is in the wheel with mode %v", f.Name, f.Mode())
		}
	}
	if recorded != want.String() {
		t.Errorf("RECORD is\n%swant\n%s", recorded, want.String())
	}
	for _, file := range []string{"fngen/__init__.py", "fngen/__main__.py", "fngen/py.typed", "fngen/runtime/boot.py"} {
		if !strings.Contains(recorded, file+",sha256=") {
			t.Errorf("%s is not in the wheel", file)
		}
	}
}

func read(t *testing.T, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
