package target

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/cli/exit"
)

// ProjectOf says which project a tree belongs to: the one that the command line
// names, else fngen.yml, else what the first push wrote down, else one that is
// named after the file or directory. It is empty where no name can be made, and
// source says where it is from, unless the person or fngen.yml does.
func ProjectOf(given string, s *source.Scanned) (name, from string, err error) {
	if given != "" {
		return given, "", nil
	}
	if name := projectInConfig(s.Tree); name != "" {
		return name, "", nil
	}
	made := madeName(s)
	name, err = rememberedProject(s.Root)
	switch {
	case name == "" && made != "" && err == nil:
		return made, "named after " + cmp.Or(s.Entry, filepath.Base(s.Root)), nil
	case s.Entry != "" && name != made: // another file may have been pushed from here
		from = "as .fngen/project says; for another: fngen push PROJECT " + s.Entry
	}
	return name, from, err
}

// rememberedProject reads what the first push from a directory wrote down.
func rememberedProject(root string) (string, error) {
	path := filepath.Join(root, ".fngen", "project")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read project name: %w", err)
	}
	name := strings.TrimSpace(string(data))
	if !ir.ValidProjectName(name) {
		return "", &exit.Usage{
			Message: fmt.Sprintf("%s does not hold a project name: %q", path, name),
			Help:    "delete the file, or push with the name: fngen push PROJECT PATH",
		}
	}
	return name, nil
}

// Current is the project of the current directory, or of the next one above it
// that has one.
func Current() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the current directory: %w", err)
	}
	for {
		if name := projectInConfig(source.Tree{FS: os.DirFS(dir)}); name != "" {
			return name, nil
		}
		if name, err := rememberedProject(dir); name != "" || err != nil {
			return name, err
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", &exit.Usage{Message: "this directory is of no project", Help: "say which: fngen logs PROJECT"}
		}
		dir = above
	}
}

// projectInConfig reads only `project:`. What is wrong with the file is the
// compiler's to say, with its place.
func projectInConfig(tree source.Tree) string {
	for _, name := range []string{"fngen.yml", "fngen.yaml"} {
		data, err := source.ReadText(tree.FS, name)
		if err != nil {
			continue
		}
		var file struct {
			Project string `yaml:"project"`
		}
		if yaml.Unmarshal(data, &file) == nil {
			return file.Project
		}
	}
	return ""
}

// RememberProject writes the project's name where the next push finds it, unless
// a name is there already, and keeps the directory out of git.
func RememberProject(root, name string) error {
	dir := filepath.Join(root, ".fngen")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("remember project: %w", err)
	}
	err := writeNew(filepath.Join(dir, ".gitignore"), "*\n")
	if err == nil {
		err = writeNew(filepath.Join(dir, "project"), name+"\n")
	}
	if err != nil {
		return fmt.Errorf("remember project: %w", err)
	}
	return nil
}

// writeNew writes a file that does not exist yet.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
