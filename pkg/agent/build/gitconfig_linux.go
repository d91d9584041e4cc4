package build

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/pkg/agent/environ"
)

// ownGit are the git servers of the platform's own, by its settings for builds: they
// may have an address that is otherwise refused, and certificates of an authority that
// nobody else trusts.
type ownGit struct {
	hosts []string
	// ca is a file of certificates that is trusted for these hosts, and nothing else is;
	// empty for what every host is held to.
	ca string
}

// The settings: host names with commas, and the file.
const (
	gitHosts = "FNGEN_GIT_HOSTS"
	gitCA    = "FNGEN_GIT_CA"
)

func ownGitOf(settings environ.Vars) ownGit {
	hosts := strings.FieldsFunc(settings.Get(gitHosts), func(r rune) bool { return r == ',' || r == ' ' })
	return ownGit{hosts, settings.Get(gitCA)}
}

func (o ownGit) has(u *url.URL) bool { return slices.Contains(o.hosts, u.Hostname()) }

// gitConfig is in force for every git of a build, those that the installer starts
// included. Only HTTPS reaches other machines; files are read only by who runs git
// and never because a repository says so, as in its submodules. No hook is run, no
// redirect leads anywhere else, nobody is asked, and a server that says nothing is
// given up. What a package does while it is built is not bound by this: it runs as
// the project's user with the rights of any program there.
var gitConfig = [][2]string{
	{"protocol.allow", "never"}, {"protocol.https.allow", "always"}, {"protocol.file.allow", "user"},
	{"core.hooksPath", "/dev/null"}, {"core.fsmonitor", "false"}, {"credential.helper", ""}, {"core.askPass", ""},
	{"http.followRedirects", "false"}, {"http.lowSpeedLimit", "1000"}, {"http.lowSpeedTime", "60"},
}

// elsewhere takes the place of every address that was not looked at: no protocol has
// that name, so git refuses it, and says it.
const elsewhere = "a-host-that-no-requirement-names://"

// environment adds to an environment what every git of a build obeys. A repository
// may have others fetched, as submodules, from the hosts of requirements only.
func (g *git) environment(e environ.Vars) environ.Vars {
	pairs := append(slices.Clone(gitConfig), [2]string{"url." + elsewhere + ".insteadOf", "https://"})
	// By configuration: the variable GIT_SSL_CAINFO would count for every host.
	if ca := e.Get("SSL_CERT_FILE"); ca != "" {
		pairs = append(pairs, [2]string{"http.sslCAInfo", ca})
	}
	for _, b := range g.bases { // the longest one counts
		pairs = append(pairs, [2]string{"url." + b + ".insteadOf", b})
		if u, err := url.Parse(b); err == nil && g.own.has(u) && g.own.ca != "" {
			pairs = append(pairs, [2]string{"http." + b + ".sslCAInfo", g.own.ca})
		}
	}
	for _, p := range g.pinned {
		pairs = append(pairs, [2]string{"http.curloptResolve", p})
	}
	for i, p := range pairs {
		n := strconv.Itoa(i)
		e = e.With("GIT_CONFIG_KEY_"+n, p[0]).With("GIT_CONFIG_VALUE_"+n, p[1])
	}
	return e.With("GIT_CONFIG_COUNT", strconv.Itoa(len(pairs))).With("GIT_CONFIG_NOSYSTEM", "1").With("GIT_CONFIG_GLOBAL", "/dev/null").
		With("GIT_TERMINAL_PROMPT", "0").With("UV_NO_GITHUB_FAST_PATH", "1")
}
