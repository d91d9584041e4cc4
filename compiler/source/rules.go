package source

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/compiler/source/ignore"
)

// layer is the patterns of one ignore file and, below it, of the files that it
// takes precedence over. The nil layer has no rules.
type layer struct {
	below    *layer
	source   string
	patterns []ignore.Pattern
	// A pattern is relative to the directory of its file: cut is how much of a
	// path leads to that directory, prefix what leads from it to the root when
	// the file stands above the root.
	cut    int
	prefix string
}

// hit is the rule that decided.
type hit struct {
	rule, source string
	line         int
	negated      bool
}

func (h *hit) decision(path string) Decision {
	return Decision{Path: path, Rule: h.rule, Source: h.source, Line: h.line}
}

func (l *layer) relative(path string) string { return l.prefix + path[l.cut:] }

// last returns the last rule that matches, nearest file first.
func (l *layer) last(path string, isDir bool) *hit {
	for ; l != nil; l = l.below {
		rel := l.relative(path)
		for i := len(l.patterns) - 1; i >= 0; i-- {
			if p := &l.patterns[i]; p.Match(rel, isDir) {
				return &hit{rule: p.Text, source: l.source, line: p.Line, negated: p.Negated}
			}
		}
	}
	return nil
}

// mayMatchBelow reports whether a rule could match something below dir.
func (l *layer) mayMatchBelow(dir string) bool {
	for ; l != nil; l = l.below {
		rel := l.relative(dir)
		for i := range l.patterns {
			if p := &l.patterns[i]; !p.Negated && p.MayMatchBelow(rel) {
				return true
			}
		}
	}
	return false
}

// read adds the ignore file name of directory dir, when there is one. Like git
// it does not follow a link there.
func (l *layer) read(root, dir, name string) (*layer, error) {
	file := path.Join(dir, name)
	data, err := readRegular(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil || len(data) == 0 {
		return l, err
	}
	next := &layer{below: l, source: file, patterns: ignore.Parse(data)}
	if dir != "" {
		next.cut = len(dir) + 1
	}
	return next, nil
}

func readRegular(name string) ([]byte, error) {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read ignore rules: %w", err)
	}
	return data, nil
}

// outerRules are the git rules that stand outside the tree: .git/info/exclude of
// the repository that root lies in, and each .gitignore between the repository
// and root. The person's global ignore file is left out on purpose: what ships
// must not depend on the machine.
func outerRules(root string) (*layer, error) {
	top, ok := repository(root)
	if !ok {
		return nil, nil
	}
	prefix := ""
	if rel, err := filepath.Rel(top, root); err == nil && rel != "." {
		prefix = filepath.ToSlash(rel) + "/"
	}
	var rules *layer
	add := func(file, prefix string) error {
		data, err := readRegular(file)
		if err != nil || len(data) == 0 {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			name = file
		}
		rules = &layer{below: rules, source: filepath.ToSlash(name), patterns: ignore.Parse(data), prefix: prefix}
		return nil
	}
	if err := add(filepath.Join(gitDir(top), "info", "exclude"), prefix); err != nil {
		return nil, err
	}
	for dir := top; prefix != ""; {
		if err := add(filepath.Join(dir, ".gitignore"), prefix); err != nil {
			return nil, err
		}
		var name string
		name, prefix, _ = strings.Cut(prefix, "/")
		dir = filepath.Join(dir, name)
	}
	return rules, nil
}

// repository climbs from dir to the directory that holds .git.
func repository(dir string) (string, bool) {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// workTreeGitDir is where git keeps what belongs to this work tree alone, such as
// its index. In a linked work tree .git is a file that points there.
func workTreeGitDir(top string) string {
	dir := filepath.Join(top, ".git")
	data, err := os.ReadFile(dir)
	if err != nil {
		return dir // a directory
	}
	target, ok := bytes.CutPrefix(bytes.TrimSpace(data), []byte("gitdir:"))
	if !ok {
		return dir
	}
	return fromDir(top, string(bytes.TrimSpace(target)))
}

// gitDir is where the repository keeps what its work trees share.
func gitDir(top string) string {
	dir := workTreeGitDir(top)
	if common, err := os.ReadFile(filepath.Join(dir, "commondir")); err == nil {
		dir = fromDir(dir, strings.TrimSpace(string(common)))
	}
	return dir
}

func fromDir(dir, target string) string {
	if filepath.IsAbs(target) {
		return target
	}
	return filepath.Join(dir, target)
}
