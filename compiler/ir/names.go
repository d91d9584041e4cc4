package ir

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The forms of names. No name has "--" besides: it separates a function from its
// project in a host.
const (
	ProjectNameForm = `^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`
	// A Python identifier in ASCII: it goes into job ids, URLs and queues.
	FunctionNameForm = `^[A-Za-z_][A-Za-z0-9_]{0,39}$`
	ServerNameForm   = `^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`
)

var (
	projectName  = regexp.MustCompile(ProjectNameForm)
	functionName = regexp.MustCompile(FunctionNameForm)
	serverName   = regexp.MustCompile(ServerNameForm)
)

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

// Slug is a function's name as a host label: lower case, hyphens for
// underscores. Two functions of one project must not share it.
func Slug(function string) string {
	return strings.Trim(strings.ReplaceAll(strings.ToLower(function), "_", "-"), "-")
}
