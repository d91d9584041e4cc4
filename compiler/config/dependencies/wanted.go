package dependencies

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

// Wanted is one package to install, as the lock file or the manifest of some tool
// says it, in the terms that all of them have in common.
type Wanted struct {
	Name   string
	Extras []string
	// Specifiers are versions as in PEP 440; of a lock file, exactly one: "==1.2".
	Specifiers []string
	// Marker is what is left to the node to decide, and mostly empty: whether the
	// package is wanted on the platform at all was looked at.
	Marker string
	// Hashes are those of all its files, "sha256:" and hex digits, sorted.
	Hashes []string
	// At most one of these says where it comes from; else from the index.
	URL, Path string
	Git       *Git
	Place     literal.Place
}

// Version is the one that a lock file says, or empty.
func (w Wanted) Version() string {
	if len(w.Specifiers) != 1 {
		return ""
	}
	version, ok := strings.CutPrefix(w.Specifiers[0], "==")
	if !ok || strings.HasSuffix(version, "*") {
		return ""
	}
	return version
}

// Line is the package as a line of a requirement file. commit says which commit a
// git requirement stands for.
func (w Wanted) Line(commit func(Git) string) string {
	var b strings.Builder
	if w.Path == "" {
		b.WriteString(w.Name) // that of a package of the tree is its own to say
	}
	if w.Path == "" && len(w.Extras) > 0 {
		b.WriteString("[" + strings.Join(w.Extras, ",") + "]")
	}
	switch {
	case w.Git != nil:
		b.WriteString(" @ " + w.Git.Requirement(commit(*w.Git)))
	case w.URL != "":
		b.WriteString(" @ " + w.URL)
	case w.Path != "":
		b.WriteString("./" + w.Path)
	default:
		b.WriteString(strings.Join(w.Specifiers, ","))
	}
	if w.Marker != "" {
		b.WriteString(" ; " + w.Marker)
	}
	for _, h := range w.Hashes {
		b.WriteString(" --hash=" + h)
	}
	return b.String()
}

// Short is the package without what only an installer needs.
func (w Wanted) Short() string {
	w.Hashes, w.Marker = nil, ""
	return w.Line(Git.Revision)
}

// digest identifies what is to be installed, whatever else its files say.
func digest(wanted []Wanted, indexes []string) string {
	h := sha256.New()
	for _, index := range indexes {
		h.Write([]byte(index + "\n"))
	}
	for _, w := range wanted {
		h.Write([]byte(w.Line(Git.Revision) + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// want takes a package that is to be installed. The SDK's own is the platform's,
// whatever a file says.
func (r *requirements) want(w Wanted) {
	w.Name = pep.NormalName(w.Name)
	if w.Name == SDK {
		r.otherSDK(w.Place, pep.Requirement{Name: SDK, Specifiers: w.Specifiers, URL: w.URL})
		return
	}
	w.Hashes = slices.Compact(slices.Sorted(slices.Values(w.Hashes)))
	if what, bad := w.unfit(); bad {
		r.fault("FN1115", w.Place, fmt.Sprintf("%q cannot stand in a requirement", mask(what)), "correct it, or write the file anew with its tool")
		return
	}
	r.out.Wanted = append(r.out.Wanted, w)
	r.add(Package{w.Name, w.Place})
}

// unfit is the part that would mean something else in a line of a requirement file.
func (w Wanted) unfit() (string, bool) {
	for _, name := range append([]string{w.Name}, w.Extras...) {
		if pep.NameForm.FindString(name) != name || name == "" {
			return name, true
		}
	}
	for _, s := range w.Specifiers {
		if !pep.Specifier.MatchString(s) {
			return s, true
		}
	}
	for _, s := range append([]string{w.Marker, w.URL, w.Path}, w.Specifiers...) {
		if strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsAny(s, "\\`$") {
			return s, true
		}
	}
	if w.Path != "" && !pathForm.MatchString(w.Path) {
		return w.Path, true
	}
	return "", false
}

var pathForm = regexp.MustCompile(`^[\pL\pN._/@+-]+$`)

// settle puts what is wanted in order, and demands hashes of a lock file.
func (r *requirements) settle(relock string) {
	slices.SortStableFunc(r.out.Wanted, func(a, b Wanted) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(r.out.Indexes)
	r.out.Indexes = slices.Compact(r.out.Indexes)
	r.out.Digest = digest(r.out.Wanted, r.out.Indexes)
	if relock == "" {
		return
	}
	r.out.Hashed, r.out.Closed = true, true
	for _, w := range r.out.Wanted {
		if len(w.Hashes) == 0 && w.Git == nil && w.Path == "" {
			r.fault("FN1127", w.Place, "\""+w.Name+"\" has no hash in the lock file", "run `"+relock+"`; a lock without hashes is not exact")
		}
	}
}

// pypi are addresses of the index that the platform is set to.
var pypi = []string{"://pypi.org/", "://pypi.python.org/", "://files.pythonhosted.org/"}

// index takes an index of packages that a file names. PyPI is whatever the
// platform uses in its place.
func (r *requirements) index(at literal.Place, url string) {
	switch {
	case url == "" || slices.ContainsFunc(pypi, func(p string) bool { return strings.Contains(url+"/", p) }):
	case strings.Contains(url, "$"):
		r.fault("FN1118", at, "the index \""+mask(url)+"\" needs a variable that is not known where dependencies are built", "write the value out, without a secret in it")
	case !isURL(url) || strings.ContainsAny(url, " \t\r\n\\\"'"):
		r.fault("FN1116", at, "the index \""+mask(url)+"\" is not a URL", "name an index by https://")
	default:
		r.out.Indexes = append(r.out.Indexes, strings.TrimRight(url, "/"))
	}
}

// archiveAt takes a package from a URL; the text goes into a line of a file.
func (r *requirements) archiveAt(at literal.Place, url string) (string, bool) {
	switch {
	case strings.Contains(url, "$"):
		r.fault("FN1118", at, "\""+mask(url)+"\" needs a variable that is not known where dependencies are built", "write the value out, without a secret in it")
	case !isURL(url) || strings.ContainsAny(url, " \t\r\n\\\"'"):
		r.fault("FN1116", at, "\""+mask(url)+"\" is not a URL to install from", "name an archive by https://")
	default:
		return url, true
	}
	return "", false
}

// localPath takes a package from a file or directory of the tree.
func (r *requirements) localPath(at literal.Place, path string) (string, bool) {
	before := len(r.diags)
	target, ok := r.inside(at, "requirements.txt", path)
	if !ok {
		return "", false
	}
	r.install(at, "./"+target)
	return target, len(r.diags) == before
}
