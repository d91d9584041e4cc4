package dependencies

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"fngen.dev/fngen/compiler/config/pep"
	"fngen.dev/fngen/compiler/literal"
)

// hashPin is one requirement as the mode that demands hashes sees it.
type hashPin struct {
	name, text string
	place      literal.Place
	hashed     bool
	constraint bool
}

var (
	hashOption = regexp.MustCompile(`^--hash(?:=|\s+)["']?(?:md5|sha1|sha224|sha256|sha384|sha512|blake2b):[0-9a-fA-F]+["']?$`)
	// A direct reference may carry its hash itself.
	hashFragment = regexp.MustCompile(`[#&](?:md5|sha1|sha224|sha256|sha384|sha512)=[0-9a-f]+`)
	plainName    = regexp.MustCompile(`^[0-9][0-9A-Za-z.*]*$`)
	direct       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*@`)
	egg          = regexp.MustCompile(`[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)`)
)

// requirement judges a line that names something to install.
func (r *requirements) requirement(l reqLine, constraint bool) {
	text, hashed, ok := r.ownOptions(l)
	if !ok {
		return
	}
	p := hashPin{text: text, place: l.place(), hashed: hashed, constraint: constraint}
	switch {
	case vcsScheme.MatchString(text):
		r.gitLine(p, "", text, constraint)
		return
	case isURL(text):
		url, _, _ := strings.Cut(text, " ")
		p.name = nameOfURL(url)
	case isPath(text) && !direct.MatchString(text):
		r.install(l.place(), text)
	default:
		if p.name, ok = r.named(l.place(), text, ""); !ok {
			return
		}
	}
	p.hashed = p.hashed || hashFragment.MatchString(text)
	r.pins = append(r.pins, p)
	if p.name != "" && !constraint {
		r.add(Package{p.name, l.place()})
	}
}

// gitLine takes a line that is a repository alone. Its name is the one that the URL
// says; without one there is more than is known here.
func (r *requirements) gitLine(p hashPin, prefix, text string, constraint bool) {
	url, _, _ := strings.Cut(text, " ")
	if !r.fromGit(p.place, eggName(url), url) {
		return
	}
	r.out.Git[len(r.out.Git)-1].Text = prefix + url
	p.name = pep.NormalName(eggName(url))
	r.pins = append(r.pins, p)
	switch {
	case constraint:
	case p.name != "":
		r.add(Package{p.name, p.place})
	default:
		r.out.Partial = true
	}
}

// named judges a dependency specifier and returns its name.
func (r *requirements) named(at literal.Place, text, help string) (string, bool) {
	req, ok := pep.ParseRequirement(text)
	if !ok {
		if help == "" {
			help = reqHelp(req.Name, strings.TrimSpace(strings.TrimPrefix(text, req.Name)))
		}
		r.fault("FN1115", at, fmt.Sprintf("%q is not a requirement", mask(text)), help)
		return "", false
	}
	r.otherSDK(at, req)
	switch {
	case req.URL == "" || isURL(req.URL) && !vcsScheme.MatchString(req.URL):
	case vcsScheme.MatchString(req.URL):
		if !r.fromGit(at, req.Name, req.URL) {
			return "", false
		}
	default:
		r.install(at, req.URL)
	}
	return pep.NormalName(req.Name), true
}

// ownOptions cuts the options that belong to one requirement: from the first word
// that begins with a hyphen on, as pip does.
func (r *requirements) ownOptions(l reqLine) (text string, hashed, ok bool) {
	words := strings.Fields(l.text)
	end := len(words)
	for i, w := range words {
		if w[0] == '-' {
			end = i
			break
		}
	}
	for rest := words[end:]; len(rest) > 0; {
		option, n := rest[0], 1
		if option == "--hash" && len(rest) > 1 {
			option, n = option+"="+rest[1], 2
		}
		if !hashOption.MatchString(option) {
			what, _, _ := strings.Cut(option, "=")
			r.fault("FN1118", l.place(), fmt.Sprintf("%q is not an option of a requirement", mask(what)), "remove it; `--hash=sha256:...` is the one that there is")
			return "", false, false
		}
		rest = rest[n:]
	}
	return strings.Join(words[:end], " "), end < len(words), true
}

// editable takes a directory of the tree. It is installed, as any other: what
// serves the code is a copy of the tree that this build does not know.
func (r *requirements) editable(l reqLine, value string) {
	switch {
	case vcsScheme.MatchString(value) || strings.Contains(value, "+") && isURL(value):
		r.gitLine(hashPin{text: value, place: l.place()}, "-e ", value, false)
	case isURL(value):
		r.fault("FN1116", l.place(), fmt.Sprintf("%q cannot be changed in place", mask(value)), "write the URL without -e")
	default:
		r.install(l.place(), value)
		r.pins = append(r.pins, hashPin{text: value, place: l.place()})
	}
}

func (r *requirements) add(p Package) { r.out.Packages = append(r.out.Packages, p) }

// hashes holds what pip holds: when one requirement has a hash, all must.
func (r *requirements) hashes() {
	known := map[string]bool{}
	some := r.out.Hashed
	for _, p := range r.pins {
		known[p.name] = known[p.name] || p.hashed && p.name != ""
		some = some || p.hashed
	}
	if !some {
		return
	}
	r.out.Hashed, r.out.Closed = true, true
	for _, p := range r.pins {
		// The platform's own fngen is not fetched from anywhere.
		if !p.hashed && !known[p.name] && !p.constraint && p.name != SDK {
			r.out.Closed = false
			r.fault("FN1127", p.place, fmt.Sprintf("%q has no hash, and others have", mask(p.text)),
				"write all of them by `uv pip compile --generate-hashes` or `pip-compile --generate-hashes`, or remove the hashes")
		}
	}
}

func eggName(url string) string {
	if m := egg.FindStringSubmatch(url); m != nil {
		return m[1]
	}
	return ""
}

// nameOfURL is the package that a URL brings, as far as the URL says it.
func nameOfURL(url string) string {
	if name := eggName(url); name != "" {
		return pep.NormalName(name)
	}
	url, _, _ = strings.Cut(url, "#")
	url, _, _ = strings.Cut(url, "?")
	name, _, found := strings.Cut(path.Base(url), "-")
	if !found || !archive.MatchString(url) {
		return ""
	}
	return pep.NormalName(name)
}

func reqHelp(name, rest string) string {
	switch {
	case name != "" && strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "==") && !strings.HasPrefix(rest, "=>") && !strings.HasPrefix(rest, "=<"):
		return "did you mean `" + name + "=" + strings.ReplaceAll(rest, " ", "") + "`?"
	case name != "" && (strings.HasPrefix(rest, "=>") || strings.HasPrefix(rest, "=<")):
		return "did you mean `" + name + rest[1:2] + "=" + rest[2:] + "`?"
	case name != "" && plainName.MatchString(rest):
		return "did you mean `" + name + "==" + rest + "`?"
	}
	return "write a name and versions, such as `fastapi>=0.100`"
}
