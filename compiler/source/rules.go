package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fngen.dev/fngen/compiler/source/ignore"
)

// maxRules bounds an ignore file, as git does.
const maxRules = 100 << 20

// layer is the patterns of one ignore file and, below it, of the files that it
// takes precedence over. The nil layer has no rules.
type layer struct {
	below  *layer
	source string
	rules  *ignore.Rules
	// cut is how much of a path leads to the directory of the ignore file, which
	// its patterns are relative to.
	cut int
}

// rule is the pattern that decided; the zero rule is none.
type rule struct {
	layer   *layer
	pattern *ignore.Pattern
}

func (r rule) none() bool    { return r.pattern == nil }
func (r rule) negated() bool { return r.pattern != nil && r.pattern.Negated }

// last returns the last rule that matches, nearest file first.
func (l *layer) last(path string, isDir bool) rule {
	for ; l != nil; l = l.below {
		if p := l.rules.Last(path[l.cut:], isDir); p != nil {
			return rule{l, p}
		}
	}
	return rule{}
}

// mayMatchBelow reports whether a rule could match something below dir.
func (l *layer) mayMatchBelow(dir string) bool {
	for ; l != nil; l = l.below {
		if l.rules.MayMatchBelow(dir[l.cut:]) {
			return true
		}
	}
	return false
}

// over puts the rules of an ignore file over those of l.
func (l *layer) over(data []byte, source string, cut int) *layer {
	if len(data) == 0 {
		return l
	}
	return &layer{below: l, source: source, rules: ignore.Parse(data), cut: cut}
}

// outerRules are the git rules that stand outside the directory root, which is
// inside repository r or its top: .git/info/exclude, and each .gitignore between
// the repository and root. The person's global ignore file is left out on
// purpose: what ships must not depend on the machine.
func (w *walker) outerRules(r *repository, root string) (*layer, error) {
	var rules *layer
	add := func(file string, cut int) error {
		data, err := readRegular(file)
		if err != nil {
			return fmt.Errorf("read ignore rules: %w", err)
		}
		name, err := filepath.Rel(w.root, file)
		if err != nil {
			name = file
		}
		rules = rules.over(data, filepath.ToSlash(name), cut)
		return nil
	}
	if err := add(filepath.Join(r.common, "info", "exclude"), r.cut); err != nil {
		return nil, err
	}
	cut := r.cut
	for dir := r.top; dir != root; {
		if err := add(filepath.Join(dir, ".gitignore"), cut); err != nil {
			return nil, err
		}
		rest, err := filepath.Rel(dir, root)
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(filepath.ToSlash(rest), "/")
		cut += len(name) + 1
		dir = filepath.Join(dir, name)
	}
	return rules, nil
}

func readRegular(name string) ([]byte, error) {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	if info.Size() > maxRules {
		return nil, errors.New(name + " is too large")
	}
	return os.ReadFile(name)
}
