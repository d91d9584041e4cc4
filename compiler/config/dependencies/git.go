package dependencies

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

// Git is a requirement that is taken from a repository. Every text in it was held
// to a narrow form, so that none of them is an option or a program to git.
type Git struct {
	// Name is the package's, as far as the requirement says it.
	Name string
	// URL is https://host/path, Ref the branch, tag or commit that is asked for;
	// empty means the default branch.
	URL, Ref string
	// Commit is known when a lock file says it, or when Ref is one.
	Commit       string
	Subdirectory string
	Place        literal.Place
	// document.Text is the URL as it stands in its file.
	Text string
}

// Revision is the commit where it is known, else the ref.
func (g Git) Revision() string {
	if g.Commit != "" {
		return g.Commit
	}
	return g.Ref
}

// Requirement is the URL that an installer takes, with a commit.
func (g Git) Requirement(commit string) string {
	text := "git+" + g.URL
	if commit != "" {
		text += "@" + commit
	}
	if g.Subdirectory != "" {
		text += "#subdirectory=" + g.Subdirectory
	}
	return text
}

var (
	gitHost   = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?$`)
	gitPath   = regexp.MustCompile(`^(?:/[A-Za-z0-9_~+][A-Za-z0-9_~+.-]*)+/?$`)
	gitRef    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,254}$`)
	gitCommit = regexp.MustCompile(`^[0-9a-f]{40}$`)
	gitFolder = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+/-]*$`)
)

// checkout takes a requirement of the form git+https://host/path@ref. Whatever
// runs git on this text can trust it.
func (r *requirements) checkout(at literal.Place, name, text string) (*Git, bool) {
	bare, fragment, _ := strings.Cut(text, "#")
	rest, ok := strings.CutPrefix(bare, "git+https://")
	if !ok {
		r.refuseCheckout(at, name, text, "only git over HTTPS is")
		return nil, false
	}
	g := &Git{Name: pep.NormalName(name), Place: at, Text: text}
	host, path, _ := strings.Cut(rest, "/")
	path = "/" + path
	if strings.Contains(host, "@") {
		r.refuseCheckout(at, name, text, "a user or token in the URL would be stored with the layer")
		return nil, false
	}
	if i := strings.LastIndex(path, "@"); i >= 0 {
		path, g.Ref = path[:i], path[i+1:]
	}
	g.URL = "https://" + host + strings.TrimSuffix(path, "/")
	switch {
	case !gitHost.MatchString(host) || !gitPath.MatchString(path) || strings.Contains(path, "/../"):
		r.refuseCheckout(at, name, text, "its address is not one of a repository")
		return nil, false
	case g.Ref != "" && !validRef(g.Ref):
		r.refuseCheckout(at, name, text, fmt.Sprintf("%q is not a branch, tag or commit", g.Ref))
		return nil, false
	}
	if gitCommit.MatchString(g.Ref) {
		g.Commit = g.Ref
	}
	options, err := url.ParseQuery(fragment)
	if err != nil {
		options = url.Values{}
	}
	if g.Subdirectory = strings.Trim(options.Get("subdirectory"), "/"); g.Subdirectory != "" && !validFolder(g.Subdirectory) {
		r.refuseCheckout(at, name, text, fmt.Sprintf("%q is not a directory of a repository", g.Subdirectory))
		return nil, false
	}
	if g.Name == "" {
		g.Name = pep.NormalName(eggName(text))
	}
	return g, true
}

// fromGit takes the requirement and remembers its repository.
func (r *requirements) fromGit(at literal.Place, name, text string) bool {
	g, ok := r.checkout(at, name, text)
	if ok {
		r.out.Git = append(r.out.Git, *g)
	}
	return ok
}

// wantGit is fromGit for a package of a lock file or another tool's manifest.
func (r *requirements) wantGit(w Wanted, url, ref, commit, subdirectory string) {
	text := gitURL(url)
	if ref != "" {
		text += "@" + ref
	}
	if subdirectory != "" {
		text += "#subdirectory=" + subdirectory
	}
	g, ok := r.checkout(w.Place, w.Name, text)
	if !ok {
		return
	}
	if commit != "" {
		if !gitCommit.MatchString(commit) {
			r.refuseCheckout(w.Place, w.Name, text, fmt.Sprintf("%q is not a commit", commit))
			return
		}
		g.Commit = commit
	}
	w.Git, w.Specifiers, w.Hashes = g, nil, nil
	if pep.NormalName(w.Name) != SDK {
		r.out.Git = append(r.out.Git, *g)
	}
	r.want(w)
}

// gitURL writes the addresses of git in the one form that requirements have.
func gitURL(url string) string {
	switch {
	case strings.HasPrefix(url, "git+"):
		return url
	case strings.Contains(url, "://"):
		return "git+" + url
	}
	// git@github.com:owner/repository
	if host, path, ok := strings.Cut(url, ":"); ok && strings.Contains(host, "@") {
		return "git+ssh://" + host + "/" + path
	}
	return "git+" + url
}

// validRef is what git takes for a name, less what begins with a hyphen or could
// be more than a name.
func validRef(ref string) bool {
	return gitRef.MatchString(ref) && !strings.Contains(ref, "..") && !strings.Contains(ref, "//") && !strings.Contains(ref, "/.") &&
		!strings.HasSuffix(ref, ".lock") && !strings.HasSuffix(ref, "/") && !strings.HasSuffix(ref, ".")
}

func validFolder(path string) bool { return gitFolder.MatchString(path) && filepath.IsLocal(path) }

// refuseCheckout says what to write instead, as far as that is known.
func (r *requirements) refuseCheckout(at literal.Place, name, url, why string) {
	help := "ask for a release by its version, or for an archive by its URL"
	if m := forge.FindStringSubmatch(url); m != nil {
		rev := ""
		if m[4] != "" && validRef(m[4]) {
			rev = "@" + m[4]
		}
		help = fmt.Sprintf("if the repository is public: `git+https://%s/%s/%s%s`", m[1], m[2], m[3], rev)
		if name != "" {
			help = fmt.Sprintf("if the repository is public: `%s @ git+https://%s/%s/%s%s`", name, m[1], m[2], m[3], rev)
		}
	}
	r.fault("FN1126", at, fmt.Sprintf("%q cannot be taken from its repository: %s", mask(url), why), help)
}

var forge = regexp.MustCompile(`^git\+(?:https|http|ssh|git)://(?:[^@/\s]+@)?(github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)[/:]([\w.-]+)/([\w.-]+?)(?:\.git)?/?(?:@([\w./+-]+))?(?:[?#].*)?$`)
