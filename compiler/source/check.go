package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source/disk"
	"fngen.dev/fngen/compiler/source/index"
)

// What a tree may hold. The control plane holds uploads to the same limits.
const (
	MaxFiles    = 50_000
	MaxTreeSize = 5 << 30
	MaxFileSize = 2 << 30
	MaxPath     = 1024
	MaxName     = 255
	MaxDepth    = 64
)

// check looks at a file that no rule leaves out: it ships, or the node says why
// it cannot. A file that is gone since its directory was read is no file.
func (w *walker) check(n *node, d disk.Directory, it *item, name string, kind fs.FileMode) {
	shown := w.shown(it.path)
	if !n.checkPath(shown, name, n.depth) {
		return
	}
	st, err := index.Stat{Mode: uint32(kind)}, error(nil)
	if kind.IsRegular() || kind&fs.ModeSymlink != 0 {
		st, err = d.Lstat(name)
	}
	target := name
	if err == nil && disk.KindOf(st)&fs.ModeSymlink != 0 {
		it.link = true
		if target, st, err = w.follow(n, it.path); target == "" && err == nil {
			return
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		*it = item{}
	case err != nil:
		n.unreadable(shown, err)
	case !disk.KindOf(st).IsRegular():
		n.fault("FN1005", shown, fmt.Sprintf("%q is %s, not a regular file", shown, kindName(disk.KindOf(st))),
			"remove it, or list it in .fnignore")
	case st.Size > MaxFileSize:
		n.fault("FN1008", shown, fmt.Sprintf("%q has %s; a file may have %s", shown, bytesOver(st.Size, MaxFileSize), bytesOf(MaxFileSize)),
			"list it in .fnignore and load it from elsewhere when the code runs")
	default:
		it.ships, it.stat = true, st
		it.secret = (looksSecret(name) || looksSecret(target)) && !isPublicKey(d, name)
		w.ships.Add(1)
	}
}

func (n *node) fault(code, p, message, help string) {
	n.faults.Add(diag.Diagnostic{Code: code, File: printable(p), Message: message, Help: help})
}

func (n *node) unreadable(p string, err error) {
	n.fault("FN1009", p, fmt.Sprintf("%q cannot be read: %v", p, bare(err)), "make it readable, or list it in .fnignore")
}

// bare is an error without the path, which stands in the message already.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// follow resolves a link. A link to a regular file of the tree ships as a file:
// its name and state are returned. For any other link the name is empty and the
// node says why.
func (w *walker) follow(n *node, path string) (string, index.Stat, error) {
	const help = "replace the link by what it points to, or list it in .fnignore"
	p := w.shown(path)
	target, err := filepath.EvalSymlinks(w.disk(path))
	if errors.Is(err, fs.ErrNotExist) {
		n.fault("FN1002", p, fmt.Sprintf("%q is a link that points to nothing", p), "remove it, or list it in .fnignore")
		return "", index.Stat{}, nil
	} else if err != nil {
		return "", index.Stat{}, err
	}
	rel, err := filepath.Rel(w.root, target)
	if err != nil || !filepath.IsLocal(rel) {
		n.fault("FN1001", p, fmt.Sprintf("%q is a link that leaves the tree", p), help)
		return "", index.Stat{}, nil
	}
	if slices.Contains(strings.Split(filepath.ToSlash(rel), "/"), ".git") {
		n.fault("FN1001", p, fmt.Sprintf("%q is a link into .git, which does not ship", p), help)
		return "", index.Stat{}, nil
	}
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		n.fault("FN1003", p, fmt.Sprintf("%q is a link to a directory", p), help)
		return "", index.Stat{}, nil
	}
	st, err := disk.Lstat(target)
	return filepath.Base(target), st, err
}

func kindName(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// checkPath refuses paths that cannot travel to every machine and terminal. Its
// directories have been looked at by themselves.
func (n *node) checkPath(p, name string, depth int) bool {
	why := badName(name)
	switch {
	case why != "":
	case len(p) > MaxPath:
		why = fmt.Sprintf("is longer than %d bytes", MaxPath)
	case depth >= MaxDepth:
		why = fmt.Sprintf("is more than %d directories deep", MaxDepth)
	default:
		return true
	}
	n.refuseName(p, why)
	return false
}

func (n *node) refuseName(p, why string) {
	n.fault("FN1004", p, fmt.Sprintf("the path %q %s", p, why), "rename it, or list it in .fnignore")
}

// badName says what is wrong with one name of a path, or is empty.
func badName(name string) string {
	plain := true
	for i := 0; i < len(name); i++ {
		plain = plain && name[i] >= ' ' && name[i] < 0x7f && name[i] != '\\'
	}
	switch {
	case len(name) > MaxName:
		return fmt.Sprintf("has a name of more than %d bytes", MaxName)
	case plain:
		return ""
	case !utf8.ValidString(name):
		return "is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "holds a control character"
	case strings.Contains(name, `\`):
		return "holds a backslash"
	}
	return ""
}

// printable keeps a path that is not UTF-8 fit for JSON.
func printable(p string) string { return strings.ToValidUTF8(p, "�") }
