package dependencies

import (
	"fmt"
	"regexp"
	"strings"

	"fngen.dev/fngen/compiler/config/document"
)

var (
	envVariable = regexp.MustCompile(`\$\{[A-Z0-9_]+\}`)
	// A second option on the line of a first.
	nextOption = regexp.MustCompile(`\s--?[a-z][a-z-]*([=\s]|$)`)
)

// option judges a line that is an option of the file.
func (r *requirements) option(l reqLine, constraint bool) {
	option, value := splitOption(l.text)
	if second := nextOption.FindString(value); second != "" && option != "-e" && option != "--editable" {
		r.fault("FN1118", l.place(), fmt.Sprintf("%q stands on the line of another option", strings.Trim(second, " \t=")), "write each option on a line of its own")
		return
	}
	switch option {
	case "-r", "--requirement":
		r.include(l, value, constraint)
	case "-c", "--constraint":
		r.include(l, value, true)
	case "-e", "--editable":
		r.editable(l, value)
	case "-f", "--find-links":
		r.findLinks(l, value)
	case "--trusted-host":
		r.fault("FN1118", l.place(), "--trusted-host would install over a connection that nobody vouches for", "remove the line; use an index with HTTPS")
	case "--pre":
		r.warn("FN1129", l.place(), "--pre is not followed", "ask for the pre-release in the requirement itself, as in `name>=2.0b1`")
	case "--require-hashes":
		r.out.Hashed = true
	case "-i", "--index-url", "--pypi-url", "--extra-index-url", "--no-index", "--prefer-binary", "--no-binary", "--only-binary", "--use-feature":
	default:
		r.unknownOption(l, option)
	}
}

func (r *requirements) unknownOption(l reqLine, option string) {
	help := "remove the line"
	if len(option) > 2 && option[1] != '-' && strings.Contains("rceif", option[1:2]) {
		help = "put a space between the option and its value: `" + option[:2] + " " + mask(option[2:]) + "`"
	}
	r.fault("FN1118", l.place(), fmt.Sprintf("%q is not an option of requirement files", mask(option)), help)
}

// splitOption separates "-r base.txt" and "--requirement=base.txt".
func splitOption(text string) (option, value string) {
	if i := strings.IndexAny(text, " \t="); i >= 0 {
		return text[:i], strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text[i:]), "="))
	}
	return text, ""
}

func (r *requirements) include(l reqLine, value string, constraint bool) {
	if strings.Contains(value, "://") {
		r.fault("FN1116", l.place(), fmt.Sprintf("%q is read from the network, so a push could not be repeated", mask(value)), "copy the file into the tree")
		return
	}
	target, ok := r.inside(l.place(), l.file, value)
	switch {
	case !ok:
	case !document.In(r.tree, target):
		r.fault("FN1116", l.place(), fmt.Sprintf("%q does not ship with the tree", target), "correct the path; `fngen files` shows what ships")
	case r.on[target]:
		r.fault("FN1117", l.place(), fmt.Sprintf("%q reads itself in a circle", target), "remove one of the -r or -c lines")
	default:
		r.file(target, constraint)
	}
}

// findLinks takes pages on the network and directories of the tree, whose files
// then count among what the layer is made of.
func (r *requirements) findLinks(l reqLine, value string) {
	if isURL(value) {
		return
	}
	if dir, ok := r.inside(l.place(), l.file, strings.TrimPrefix(value, "file:")); ok {
		r.ship(l.place(), dir)
	}
}

// A password, or a token in its place, ends at the last @ before the path.
var (
	userinfo = regexp.MustCompile(`://[^/\s]+@`)
	secrets  = regexp.MustCompile(`(?i)([?&][a-z_-]*(?:token|key|secret|password|auth|sig)[a-z_-]*=)[^&#\s"']+`)
)

// mask hides passwords and tokens in a URL.
func mask(text string) string {
	return secrets.ReplaceAllString(userinfo.ReplaceAllString(text, "://…@"), "${1}…")
}
