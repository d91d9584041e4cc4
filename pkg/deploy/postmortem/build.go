package postmortem

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/config/dependencies"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// OfBuild finds the requirements that uv's words are about, where they stand. When
// it finds none, the first file as a whole is at fault.
func OfBuild(tree source.Tree, files []string, python string, output []string) diag.List {
	project, _ := dependencies.LoadPyproject(tree)
	requirements, _ := dependencies.ReadRequirements(tree, project, python)
	if list := said(output, requirements.Git); len(list) > 0 {
		return compiler.AddExcerpts(tree, list)
	}
	var list diag.List
	words := notBuilt(output)
	if len(words) == 0 {
		words = mentioned(strings.Join(output, " "))
	}
	for _, p := range requirements.Packages {
		if !words[p.Name] {
			continue
		}
		list.Add(diag.Diagnostic{
			Code: "FN2001", Message: fmt.Sprintf("the requirement %q cannot be installed", p.Name),
			File: p.Place.File, Line: p.Place.Line, Column: p.Place.Column, Width: p.Place.Width, Help: "see uv's words above",
		})
	}
	if len(list) == 0 && len(files) > 0 {
		list.Add(diag.Diagnostic{Code: "FN2001", Message: "the requirements cannot be installed", File: files[0], Help: "see uv's words above"})
	}
	return compiler.AddExcerpts(tree, list)
}

// buildFault is a fault with its place as the agent says it.
var buildFault = regexp.MustCompile(`: (\S+):(\d+):(\d+): error\[(FN20\d\d)\]: (.*)$`)

// buildHelp says what to do about faults that only a build finds.
var buildHelp = map[string]string{
	"FN2003": "correct the address or the ref; a private repository needs an archive or a wheel instead",
	"FN2004": "ask who runs the platform to install git on its build nodes, or name an archive: `name @ https://...`",
	"FN2005": "name a host on the network; who runs the platform can allow this one by FNGEN_GIT_HOSTS",
}

// maxFault bounds what is taken of a fault's words.
const maxFault = 1000

// said are the faults that the build itself found, each requirement's first. They are
// believed only of the places of requirements from repositories: what a package of the
// tree prints while it is built may look the same.
func said(output []string, from []dependencies.Git) diag.List {
	var list diag.List
	told := map[literal.Place]bool{}
	for _, line := range output {
		m := buildFault.FindStringSubmatch(line)
		if m == nil || buildHelp[m[4]] == "" {
			continue
		}
		i := slices.IndexFunc(from, func(g dependencies.Git) bool {
			return g.Place.File == m[1] && strconv.Itoa(g.Place.Line) == m[2] && strconv.Itoa(g.Place.Column) == m[3]
		})
		if i < 0 || told[from[i].Place] {
			continue
		}
		at := from[i].Place
		told[at] = true
		message := strings.ToValidUTF8(m[5][:min(len(m[5]), maxFault)], "")
		list.Add(diag.Diagnostic{Code: m[4], Message: message, File: at.File, Line: at.Line, Column: at.Column, Help: buildHelp[m[4]]})
	}
	return list
}

// failedBuild is what uv says of a package whose own build failed. What such a build
// printed names others, which are not at fault.
var failedBuild = regexp.MustCompile("Failed to build `([A-Za-z0-9][A-Za-z0-9._-]*)==")

// notBuilt are the packages of which uv says so, normalised.
func notBuilt(output []string) map[string]bool {
	out := map[string]bool{}
	for _, line := range output {
		if m := failedBuild.FindStringSubmatch(line); m != nil {
			out[separators.ReplaceAllString(strings.ToLower(m[1]), "-")] = true
		}
	}
	return out
}

// word is what a name in uv's text looks like; separators are what PEP 503 takes
// for one hyphen in it.
var (
	word       = regexp.MustCompile(`[a-z0-9][a-z0-9._-]*`)
	separators = regexp.MustCompile(`[-_.]+`)
)

// mentioned are the words of the text that may be names, normalised.
func mentioned(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range word.FindAllString(strings.ToLower(text), -1) {
		out[separators.ReplaceAllString(strings.TrimRight(w, "._-"), "-")] = true
	}
	return out
}
