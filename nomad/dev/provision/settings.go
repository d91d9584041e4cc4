package provision

import (
	"slices"
	"strings"
)

// Settings of a machine that decide how packages are downloaded.
type Settings struct {
	// UV are variables for uv, without those of files and directories.
	UV map[string]string
	// CA is a bundle of certificates to trust, or empty; GitCA one for the git servers of
	// the platform's own.
	CA, GitCA string
	// FindLinks are directories of packages.
	FindLinks []string
	// Config is a configuration file of uv, or empty.
	Config string
}

// passed are variables that mean to builds what they mean to everybody.
var passed = []string{
	"ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "all_proxy", "https_proxy", "http_proxy", "no_proxy",
	"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX_STRATEGY", "UV_INSECURE_HOST",
	"UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "UV_NO_INDEX", "UV_OFFLINE", "UV_PRERELEASE",
	"FNGEN_GIT_HOSTS", // to fngen-agent
}

// Translate turns the settings of pip and the environment of the machine into
// those of uv. What is set for uv itself wins over what is set for pip.
//
// pip is what `pip config list` says, by name of the option: "index-url".
func Translate(env, pip map[string]string) Settings {
	s := Settings{UV: map[string]string{}}
	set := func(name, value string) {
		if value != "" {
			s.UV[name] = value
		}
	}
	set("UV_DEFAULT_INDEX", pip["index-url"])
	if extra := strings.Fields(pip["extra-index-url"]); len(extra) > 0 {
		set("UV_INDEX", strings.Join(extra, " "))
		// pip takes the best version of all indexes; uv by itself takes the
		// first index that knows the name.
		set("UV_INDEX_STRATEGY", "unsafe-best-match")
	}
	set("UV_INSECURE_HOST", strings.Join(strings.Fields(pip["trusted-host"]), " "))
	set("UV_HTTP_TIMEOUT", first(pip["timeout"], pip["default-timeout"]))
	if truthy(pip["no-index"]) {
		set("UV_NO_INDEX", "1")
	}
	if truthy(pip["pre"]) {
		set("UV_PRERELEASE", "allow")
	}
	if proxy := pip["proxy"]; proxy != "" {
		set("HTTPS_PROXY", proxy)
		set("HTTP_PROXY", proxy)
	}
	links := strings.FieldsFunc(first(env["UV_FIND_LINKS"], pip["find-links"]), func(r rune) bool {
		return r == ',' || r == ' ' || r == '\n' || r == '\t'
	})
	var urls []string
	for _, link := range links {
		if strings.Contains(link, "://") && !strings.HasPrefix(link, "file://") {
			urls = append(urls, link)
		} else {
			s.FindLinks = append(s.FindLinks, strings.TrimPrefix(link, "file://"))
		}
	}
	set("UV_FIND_LINKS", strings.Join(urls, ","))
	for _, name := range passed {
		set(name, env[name])
	}
	for name, value := range env { // UV_INDEX_<NAME>_USERNAME and _PASSWORD
		if strings.HasPrefix(name, "UV_INDEX_") && (strings.HasSuffix(name, "_USERNAME") || strings.HasSuffix(name, "_PASSWORD")) {
			set(name, value)
		}
	}
	s.CA = first(env["SSL_CERT_FILE"], pip["cert"], env["REQUESTS_CA_BUNDLE"], env["CURL_CA_BUNDLE"])
	s.GitCA = env["FNGEN_GIT_CA"]
	s.Config = env["UV_CONFIG_FILE"]
	return s
}

// parsePipConfig reads `pip config list`: lines such as
//
//	global.index-url='https://index.example/simple'
//	:env:.find-links='/srv/wheels'
//
// The environment wins over a section for one command, and that over global.
func parsePipConfig(out string) map[string]string {
	rank := map[string]int{"global": 1, "install": 2, "download": 0, "wheel": 0, ":env:": 3}
	options, ranks := map[string]string{}, map[string]int{}
	for line := range strings.Lines(out) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		dot := strings.LastIndex(key, ".")
		if !ok || dot < 0 {
			continue
		}
		section, name := key[:dot], key[dot+1:]
		if r := rank[section]; r > ranks[name] {
			options[name], ranks[name] = unquotePython(value), r
		}
	}
	return options
}

// unquotePython undoes repr() of a string, as far as settings go.
func unquotePython(s string) string {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '\'' && s[0] != '"' {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\'`, `'`, `\t`, "\t").Replace(s[1 : len(s)-1])
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func truthy(s string) bool {
	return slices.Contains([]string{"1", "true", "yes", "on"}, strings.ToLower(s))
}
