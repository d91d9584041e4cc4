package mirror

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Interpreter is a Python of this machine.
type Interpreter struct {
	Home    string // holds bin/python3.<minor>
	Version string // "3.12.1"
}

// Language is the version of the language, such as "3.12".
func (in Interpreter) Language() string { return in.Version[:strings.LastIndexByte(in.Version, '.')] }

// built is the place that builds of uv's Pythons have in their configuration, which
// uv replaces by the real one.
const built = "/install"

// Machine finds interpreters that are complete enough to serve, whoever installed
// them: the distribution, pyenv, uv, or make.
func Machine(ctx context.Context) []Interpreter {
	home, _ := os.UserHomeDir() // without one, there is less to find
	var found []Interpreter
	for _, pattern := range []string{"/usr", "/usr/local", home + "/.pyenv/versions/*", home + "/.local/share/uv/python/*", "/opt/*"} {
		paths, _ := filepath.Glob(pattern + "/bin/python3.[0-9]*") // the patterns are right
		for _, path := range paths {
			out, err := exec.CommandContext(ctx, path, "-I", "-c",
				"import ctypes, sqlite3, ssl, sys; print(sys.base_prefix, '%d.%d.%d' % sys.version_info[:3])").Output()
			word := strings.Fields(string(out))
			if err != nil || len(word) != 2 {
				continue // a script, or a Python without one of these
			}
			in := Interpreter{word[0], word[1]}
			if filepath.Base(path) == "python"+in.Language() && !slices.Contains(found, in) {
				found = append(found, in)
			}
		}
	}
	return found
}

// pack writes what an interpreter needs: itself, its library without tests and
// installed packages, and the shared library that it may be in.
func (in Interpreter) pack(t *tar.Writer) error {
	if err := in.file(t, "bin/python"+in.Language()); err != nil {
		return err
	}
	for _, name := range []string{"python", "python3"} {
		h := &tar.Header{Typeflag: tar.TypeSymlink, Name: "python/bin/" + name, Linkname: "python" + in.Language(), Mode: 0o777}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
	}
	shared, err := filepath.Glob(filepath.Join(in.Home, "lib", "libpython"+in.Language()+".so.*"))
	if err != nil {
		return err
	}
	for _, path := range shared {
		if err := in.file(t, "lib/"+filepath.Base(path)); err != nil {
			return err
		}
	}
	library := "lib/python" + in.Language()
	return fs.WalkDir(os.DirFS(in.Home), library, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); slices.Contains(left, name) || strings.HasPrefix(name, "config-") {
				return fs.SkipDir
			}
			return nil
		}
		return in.file(t, path)
	})
}

// left are directories that nobody misses.
var left = []string{"test", "tests", "idlelib", "ensurepip", "site-packages", "dist-packages", "__pycache__", "turtledemo"}

func (in Interpreter) file(t *tar.Writer, path string) error {
	full := filepath.Join(in.Home, path)
	info, err := os.Stat(full)
	if err != nil || !info.Mode().IsRegular() {
		return nil // a link to what is not installed
	}
	text, err := os.ReadFile(full)
	if err != nil {
		return err
	}
	text = in.relocatable(path, text)
	h := &tar.Header{Typeflag: tar.TypeReg, Name: "python/" + path, Mode: int64(info.Mode().Perm()), Size: int64(len(text))}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = t.Write(text)
	return err
}

// relocatable takes the interpreter's place out of a file: where a program looks for
// shared libraries, and the values of sysconfig.
func (in Interpreter) relocatable(path string, text []byte) []byte {
	if strings.HasPrefix(filepath.Base(path), "_sysconfigdata") {
		return bytes.ReplaceAll(text, []byte("'"+in.Home), []byte("'"+built))
	}
	program, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		return text
	}
	runpath, err := program.DynString(elf.DT_RUNPATH)
	if err != nil || len(runpath) == 0 || runpath[0] != in.Home+"/lib" {
		return text
	}
	old := []byte(runpath[0] + "\x00")
	place := append([]byte("$ORIGIN/../lib"), make([]byte, max(0, len(old)-len("$ORIGIN/../lib")))...)
	if len(place) != len(old) {
		return text // too short to hold it
	}
	return bytes.Replace(text, old, place, 1)
}
