package ir

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The forms of names. No name has "--" besides: it separates a function from its
// project in a host.
const (
	ProjectNameForm = `^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`
	// A Python identifier in ASCII: it goes into job ids, URLs and queues.
	FunctionNameForm = `^[A-Za-z_][A-Za-z0-9_]{0,39}$`
	ServerNameForm   = `^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`
	// A module of the tree, as Python imports it.
	ModuleForm = `^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`
	HealthForm = `^/[A-Za-z0-9/_.~-]{0,199}$`
)

var (
	projectName  = regexp.MustCompile(ProjectNameForm)
	functionName = regexp.MustCompile(FunctionNameForm)
	serverName   = regexp.MustCompile(ServerNameForm)
	variable     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)
	healthPath   = regexp.MustCompile(HealthForm)
	module       = regexp.MustCompile(ModuleForm)
	python       = regexp.MustCompile(`^3\.[0-9]{1,2}$`)
)

// interpreted are the openings of every language that reads a job after us:
// Nomad's and HCL's interpolation, consul-template, Traefik's rules and Markdown.
var interpreted = []string{"${", "%{", "{{", "`"}

// reserved are host names and namespaces that belong to the platform.
var reserved = map[string]bool{
	"admin": true, "api": true, "app": true, "dashboard": true, "default": true,
	"docs": true, "fngen": true, "platform": true, "status": true, "www": true,
}

// ReservedNames are those that no project can have, sorted.
func ReservedNames() []string { return slices.Sorted(maps.Keys(reserved)) }

// ValidProjectName reports whether s may name a project. The name becomes a host
// label, a Nomad namespace and a path, so it has no "--" (which separates a
// function from its project in a host) and is not a name of the platform's.
func ValidProjectName(s string) bool {
	return projectName.MatchString(s) && !strings.Contains(s, "--") && !reserved[s]
}

// ValidFunctionName reports whether s may be the name of a decorated function.
func ValidFunctionName(s string) bool { return functionName.MatchString(s) && Slug(s) != "" }

// ValidServerName reports whether s may name a server of the fleet.
func ValidServerName(s string) bool {
	return serverName.MatchString(s) && !strings.Contains(s, "--")
}

// MaxFilePath is how long the path of a file with Powers may be, in bytes: it is
// an argument of the job.
const MaxFilePath = 200

// ValidPython reports whether s is a language version such as "3.11".
func ValidPython(s string) bool { return python.MatchString(s) }

// ValidModule reports whether s is the dotted name of a module in ASCII.
func ValidModule(s string) bool { return len(s) <= MaxFilePath && module.MatchString(s) }

// ValidVariable reports whether s is the name of an environment variable as people
// choose them.
func ValidVariable(s string) bool { return variable.MatchString(s) }

// ValidHealth reports whether s may be the path of a health check. It is asked
// for over HTTP and is an argument of the job: plain letters only, and no part
// that a router would take away.
func ValidHealth(s string) bool {
	if !healthPath.MatchString(s) || strings.Contains(s, "//") {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "." || part == ".." {
			return false
		}
	}
	return true
}

// Hazard says what in a text has a meaning to something that reads a job, or
// would not arrive there as it is; empty when the text is plain. There is no
// escape for it: Nomad reads a driver's configuration a second time.
func Hazard(s string) string {
	for _, opening := range interpreted {
		if strings.Contains(s, opening) {
			return strconv.Quote(opening)
		}
	}
	switch {
	case !utf8.ValidString(s):
		return "bytes that are not UTF-8"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "a control character"
	case !norm.NFC.IsNormalString(s):
		// HCL composes every string that it reads.
		return "a letter written as two characters (decomposed Unicode)"
	}
	return ""
}

// MaxRelease is how long a release command may be, in bytes: it is an argument of
// a job, and what is longer is better kept in a file.
const MaxRelease = 1000

// ReleaseFault says why a text cannot be a release command; empty when it can.
func ReleaseFault(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "is empty"
	case len(s) > MaxRelease:
		return "has " + strconv.Itoa(len(s)) + " bytes; it may have " + strconv.Itoa(MaxRelease)
	case strings.ContainsAny(s, "\r\n"):
		return "has several lines"
	}
	if hazard := Hazard(s); hazard != "" {
		return "holds " + hazard
	}
	return ""
}

// Slug is a function's name as a host label: lower case, hyphens for
// underscores. Two functions of one project must not share it.
func Slug(function string) string {
	return strings.Trim(strings.ReplaceAll(strings.ToLower(function), "_", "-"), "-")
}
