package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/sdk/wheel"
)

// TestRelease makes a release of two copies of the checkout, the second without a network:
// the same files, byte for byte, and in them what they say.
func TestRelease(t *testing.T) {
	p, err := wheel.Read("../..")
	if err != nil {
		t.Fatal(err)
	}
	var outs [2]string
	for i := range outs {
		root := copyCheckout(t, p.Version)
		outs[i] = t.TempDir()
		if i == 1 {
			t.Setenv("GOPROXY", "off")
		}
		if err := run(t.Context(), options{version: p.Version, out: outs[i], root: root, only: "linux/amd64"}); err != nil {
			t.Fatal(err)
		}
	}
	first, second := filesIn(t, outs[0]), filesIn(t, outs[1])
	want := []string{"SHA256SUMS", "notes.md"}
	for _, form := range []string{
		"fngen-%s-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64.whl",
		"fngen_%s_amd64.deb", "fngen_%s_linux_amd64.cdx.json", "fngen_%s_linux_amd64.tar.gz", "fngen_%s_x86_64.rpm",
	} {
		want = append(want, fmt.Sprintf(form, p.Version))
	}
	slices.Sort(want)
	var names []string
	var sums strings.Builder
	for name, data := range first {
		if !bytes.Equal(data, second[name]) {
			t.Errorf("%s differs between two builds", name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Fatalf("files (-want +got)\n%s", diff)
	}
	for _, name := range names {
		if name != "SHA256SUMS" {
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(first[name]), name)
		}
	}
	if diff := cmp.Diff(sums.String(), string(first["SHA256SUMS"])); diff != "" {
		t.Errorf("sums (-want +got)\n%s", diff)
	}
	if got := string(first["notes.md"]); got != "### Added\n\n- All.\n" {
		t.Errorf("notes are %q", got)
	}
	program := programIn(t, first["fngen_"+p.Version+"_linux_amd64.tar.gz"])
	isVersion(t, program, p.Version)
	sameModules(t, program, first["fngen_"+p.Version+"_linux_amd64.cdx.json"])
	inPackage(t, filepath.Join(outs[0], "fngen_"+p.Version+"_amd64.deb"), program)
}

// copyCheckout copies what a release is made of, with notes for it.
func copyCheckout(t *testing.T, version string) string {
	t.Helper()
	list, err := exec.Command("git", "-C", "../..", "ls-files", "-z", "-co", "--exclude-standard", "--deduplicate").Output()
	if err != nil {
		t.Skipf("this is no clone: %v", err)
	}
	root := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		top, _, _ := strings.Cut(name, "/")
		if !slices.Contains([]string{"cmd", "compiler", "jobs", "nomad", "pkg", "sdk", "go.mod", "go.sum", "LICENSE", "docs"}, top) {
			continue
		}
		data, err := os.ReadFile(filepath.Join("../..", name))
		if errors.Is(err, os.ErrNotExist) {
			continue // it was removed, and git does not know yet
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	notes := "# Changelog\n\n## [Unreleased]\n\n## [" + version + "] - 2026-01-31\n\n### Added\n\n- All.\n\n## [0.9] - 2025-01-01\n\n- Old.\n"
	if err := os.WriteFile(filepath.Join(root, "CHANGELOG.md"), []byte(notes), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

func filesIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// programIn takes the program out of an archive.
func programIn(t *testing.T, archive []byte) string {
	t.Helper()
	packed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(packed)
	h, err := r.Next()
	if err != nil || h.Name != "fngen" || h.Mode != 0o755 || h.ModTime.UTC().Format("2006-01-02") != "2026-01-31" {
		t.Fatalf("the archive begins with %+v, %v", h, err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fngen")
	if err := os.WriteFile(path, data, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func isVersion(t *testing.T, program, version string) {
	t.Helper()
	out, err := exec.Command(program, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "fngen "+version+" ") {
		t.Errorf("the program is %s, %v", out, err)
	}
}

// sameModules holds what is said to be in a program to what Go says.
func sameModules(t *testing.T, program string, said []byte) {
	t.Helper()
	out, err := exec.Command("go", "version", "-m", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "dep" {
			want = append(want, f[1]+" "+f[2])
		}
	}
	var bill struct {
		Components []struct{ Name, Version string }
		Metadata   struct{ Timestamp string }
	}
	if err := json.Unmarshal(said, &bill); err != nil {
		t.Fatal(err)
	}
	for _, c := range bill.Components {
		if c.Name != "std" {
			got = append(got, c.Name+" "+c.Version)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 5 {
		t.Errorf("modules (-go version +bill)\n%s", diff)
	}
	if bill.Metadata.Timestamp != "2026-01-31T00:00:00Z" {
		t.Errorf("it was made at %s", bill.Metadata.Timestamp)
	}
}

// inPackage unpacks a package of Debian's.
func inPackage(t *testing.T, path, program string) {
	t.Helper()
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Log("there is no dpkg-deb here: the package was not unpacked")
		return
	}
	dir := t.TempDir()
	if out, err := exec.Command(dpkg, "-x", path, dir).CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v\n%s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "usr", "bin", "fngen"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("another program is in the package")
	}
}

func TestNotes(t *testing.T) {
	for _, c := range []struct{ text, want, fault string }{
		{"# Changelog\n\n## [1.0.0] - 2026-01-31\n\n- a\n- b\n\n## [0.9.0] - 2025-01-31\n\n- c\n", "- a\n- b\n", ""},
		{"## [1.0.0] - 2026-01-31\n- a", "- a\n", ""},
		{"## [Unreleased]\n\n- a\n", "", "there is no section"},
		{"## [1.0.0]\n\n- a\n", "", "no day"},
		{"## [1.0.0] - 2026-01-31\n\n## [0.9.0] - 2025-01-31\n\n- c\n", "", "the section is empty"},
	} {
		got, err := notesOf(c.text, "1.0.0")
		if got.text != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: %q, %v", c.text, got.text, err)
		}
	}
}

// TestOtherVersion refuses a version that the sources do not have.
func TestOtherVersion(t *testing.T) {
	err := run(t.Context(), options{version: "99.0.0", out: t.TempDir(), root: "../..", only: "any"})
	if err == nil || !strings.Contains(err.Error(), "write 99.0.0 there") {
		t.Errorf("%v", err)
	}
	if err := run(t.Context(), options{out: t.TempDir(), root: "../..", only: "plan9/386"}); err == nil || !strings.Contains(err.Error(), "there are linux/amd64,") {
		t.Errorf("%v", err)
	}
}
