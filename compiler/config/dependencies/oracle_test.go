package dependencies

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/config/pep"
)

var packagingPython = flag.String("packaging", "", "an interpreter that has the packages packaging (23 or newer) and pip")

// oracle asks the reference implementations about requirements and about the
// lines of a requirement file.
const oracle = `
import json, sys
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from pip._internal.req.req_file import preprocess

def judge(text):
    try:
        r = Requirement(text)
    except InvalidRequirement:
        return None
    return {"Name": canonicalize_name(r.name), "Extras": sorted(map(canonicalize_name, r.extras)),
            "Specifiers": sorted(str(s).replace(" ", "") for s in r.specifier), "URL": r.url or "", "Marked": r.marker is not None}

given = json.load(sys.stdin)
json.dump({
    "Requirements": [judge(t) for t in given["Requirements"] or []],
    "Files": [[{"Line": n, "Text": " ".join(t.split())} for n, t in preprocess(text)] for text in given["Files"] or []],
}, sys.stdout)
`

type verdict struct {
	Name               string
	Extras, Specifiers []string
	URL                string
	Marked             bool
}

type oracleLine struct {
	Line int
	Text string
}

type oracleAnswer struct {
	Requirements []*verdict
	Files        [][]oracleLine
}

func askOracle(t *testing.T, requirements, files []string) oracleAnswer {
	t.Helper()
	python := *packagingPython
	for _, candidate := range []string{python, "python3", "/usr/bin/python3"} {
		check := "import packaging, pip._internal.req.req_file; assert int(packaging.__version__.split('.')[0]) >= 23"
		if python = candidate; candidate != "" && exec.Command(candidate, "-c", check).Run() == nil {
			break
		}
		python = ""
	}
	if python == "" {
		t.Skip("no python3 with packaging 23 and pip on this machine: give one by -packaging")
	}
	given, err := json.Marshal(map[string][]string{"Requirements": requirements, "Files": files})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", oracle)
	cmd.Stdin = bytes.NewReader(given)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run oracle: %v", err)
	}
	var a oracleAnswer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestRequirementsLikePackaging: what the reference implementation takes is taken,
// and means the same. That more is taken does not matter: uv judges it too.
func TestRequirementsLikePackaging(t *testing.T) {
	given := generate(rand.New(rand.NewPCG(1, 2)), 20000)
	accepted, more := 0, 0
	for i, want := range askOracle(t, given, nil).Requirements {
		got, ok := pep.ParseRequirement(strings.TrimSpace(given[i]))
		if want == nil {
			if ok {
				more++
				if more <= 20 {
					t.Logf("taken beyond packaging: %q", given[i])
				}
			}
			continue
		}
		accepted++
		specifiers := slices.Clone(got.Specifiers)
		for j, s := range specifiers {
			specifiers[j] = strings.Join(strings.Fields(s), "")
		}
		slices.Sort(specifiers)
		specifiers = slices.Compact(specifiers)
		slices.Sort(got.Extras)
		if !ok || pep.NormalName(got.Name) != want.Name || !slices.Equal(slices.Compact(got.Extras), want.Extras) || !slices.Equal(specifiers, slices.Compact(want.Specifiers)) ||
			got.URL != want.URL || got.Marker != "" != want.Marked {
			t.Errorf("%q is %+v, %v here and %+v to packaging", given[i], got, ok, *want)
		}
	}
	if accepted < len(given)/20 {
		t.Fatalf("packaging took %d of %d: too few to say anything", accepted, len(given))
	}
	t.Logf("%d requirements, %d taken by packaging, %d more here", len(given), accepted, more)
}

// TestLinesLikePip: logical lines, their numbers and comments are those of pip. Pip
// glues what a backslash without a space before it divides; uv, which installs,
// does not.
func TestLinesLikePip(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	pieces := []string{"a", "b==1", " ", "\t", "#c", " # d", "\n", "\r\n", "\n\n", " \\\n", " \\\r\n", "-r x.txt", "--hash=sha256:0", "u#egg=x", "  # e \\\n"}
	var files []string
	for range 5000 {
		var b strings.Builder
		for range rng.IntN(12) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		files = append(files, b.String())
	}
	for i, want := range askOracle(t, nil, files).Files {
		var got []oracleLine
		for _, l := range logicalLines("r.txt", files[i]) {
			got = append(got, oracleLine{l.line, strings.Join(strings.Fields(l.text), " ")})
		}
		want = slices.DeleteFunc(want, func(l oracleLine) bool { return l.Text == "" })
		if !slices.Equal(got, want) {
			t.Errorf("%q is %v here and %v to pip", files[i], got, want)
		}
	}
}

var requirementFiles = flag.String("requirements", "", "a glob of requirement files whose requirements are compared with packaging")

// TestCollection compares the requirements of a collection of files, such as the
// test data of pip-requirements-parser.
func TestCollection(t *testing.T) {
	if *requirementFiles == "" {
		t.Skip("no collection of requirement files: give one by -requirements")
	}
	paths, err := filepath.Glob(*requirementFiles)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	var given []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range logicalLines(path, string(data)) {
			text, _, _ := strings.Cut(l.text, " --")
			if l.text[0] != '-' && !isURL(text) && !isPath(text) && !vcsScheme.MatchString(text) {
				given = append(given, text)
			}
		}
	}
	taken := 0
	for i, want := range askOracle(t, given, nil).Requirements {
		_, ok := pep.ParseRequirement(given[i])
		if want != nil {
			taken++
		}
		if ok != (want != nil) {
			t.Errorf("%q: taken here: %v, by packaging: %v", given[i], ok, want != nil)
		}
	}
	t.Logf("%d requirements of %d files, %d taken", len(given), len(paths), taken)
}

// generate makes requirements, most of them nearly right.
func generate(rng *rand.Rand, n int) []string {
	of := func(list ...string) string { return list[rng.IntN(len(list))] }
	space := func() string { return of("", "", "", " ", "\t", "  ") }
	version := func() string {
		return of("1", "1.0", "1.2.3", "v1", "1!2.0", "2.0a1", "2.0.beta-2", "1.0rc1", "1.0c1", "1.0-1", "1.0.post2", "1.0rev", "1.0.dev3", "1.0-dev", "1.0+local.1", "1.0+a_b", "1.*", "1.0.*", "01.02", "1.0.", ".1", "x", "1.0alpha.post1.dev2", "1.0A", "1.0+")
	}
	specifiers := func() string {
		var b strings.Builder
		if rng.IntN(20) == 0 {
			return "===" + space() + of("1.0", "x_y", "1:2") // the comma belongs to what is compared
		}
		for i := range rng.IntN(4) {
			if i > 0 {
				b.WriteString(space() + of(",", ",", ",", ",,", " ") + space())
			}
			b.WriteString(of("==", ">=", "<=", "~=", "!=", "<", ">", "=", "=>", "") + space() + version())
		}
		return b.String() + of("", "", "", "", ",")
	}
	term := func() string {
		return of("python_version", "os_name", "sys_platform", "extra", "os.name", "'3.8'", "\"linux\"", "platform_machine", "nonsense", "''") + space() +
			of("<", ">=", "==", "!=", " in ", " not in ", " not  in ", "===", "~=", "=", "") + space() + of("'3.8'", "\"win32\"", "python_version", "platform_python_implementation", "'", "3")
	}
	var marker func(depth int) string
	marker = func(depth int) string {
		s := term()
		if depth > 0 && rng.IntN(3) == 0 {
			s = "(" + space() + marker(depth-1) + space() + ")"
		}
		if rng.IntN(3) == 0 {
			s += of(" and ", " or ", ")and(", " and", "xor") + marker(depth-1)
		}
		return s
	}
	var out []string
	for range n {
		s := space() + of("a", "A.b", "a-b_c", "Zope.Interface", "a1", "-a", "a-", "_a", "1a", "é") + space()
		s += of("", "", "", "[]", "[x]", "[x,y]", "[ x , Y_z ]", "[x,]", "[x y]", "[", "[-]") + space()
		switch rng.IntN(5) {
		case 0:
			s += "@" + space() + of("https://example.com/a.whl", "http://u:p@h/a;b", "git+https://h/r@v1#egg=a", "./a", "https://h/x[1]", "")
		case 1:
			s += "(" + space() + specifiers() + space() + of(")", ")", ")", "")
		default:
			s += specifiers()
		}
		if rng.IntN(3) == 0 {
			s += space() + ";" + space() + marker(2)
		}
		out = append(out, s+space())
	}
	return out
}
