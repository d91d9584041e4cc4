package dotenv_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/dotenv"
)

var update = flag.Bool("update", false, "ask python-dotenv again, and rewrite testdata/oracle.json")

// oracle is what versions of python-dotenv make of one text: nothing where one complains.
type oracle struct {
	Text    string    `json:"text"`
	Answers []*answer `json:"answers"`
}

type answer struct {
	Variables [][2]string `json:"variables"`
	// Plain says that no other variable was put into a value.
	Plain bool `json:"plain"`
}

const oracleFile = "testdata/oracle.json"

// TestOracle holds the parser to what python-dotenv made of many files.
func TestOracle(t *testing.T) {
	if *update {
		var texts []string
		r := rand.New(rand.NewPCG(1, 2))
		for range 1500 {
			texts = append(texts, random(r))
		}
		record(t, append(slices.Clone(telling), texts...), strings.Split(os.Getenv("FNGEN_DOTENV_PYTHONS"), ":"))
	}
	data, err := os.ReadFile(oracleFile)
	if err != nil {
		t.Fatal(err)
	}
	var list []oracle
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < len(telling) {
		t.Fatalf("only %d texts", len(list))
	}
	taken := 0
	for _, o := range list {
		if compare(t, o) {
			taken++
		} else if !refusable(o) {
			t.Errorf("%q is refused without need; python-dotenv: %+v", o.Text, o.Answers[0])
		}
	}
	if taken < len(list)/10 {
		t.Errorf("only %d of %d files are taken: nothing is compared", taken, len(list))
	}
}

// TestPythonDotenv compares others than those of the file, where python-dotenv is there.
func TestPythonDotenv(t *testing.T) {
	var texts []string
	r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for range 500 {
		texts = append(texts, random(r))
	}
	for _, o := range ask(t, texts, "python3") {
		compare(t, o)
	}
}

// compare reports a file that is read otherwise than by some version, and returns
// whether it was taken.
func compare(t *testing.T, o oracle) bool {
	t.Helper()
	entries, faults := dotenv.Parse(".env", []byte(o.Text))
	if len(faults) > 0 {
		for _, f := range faults {
			if lines := strings.Count(strings.ReplaceAll(o.Text, "\r", "\n"), "\n") + 1; f.Line < 1 || f.Line > lines || f.Excerpt != "" {
				t.Errorf("%q: %+v", o.Text, f)
			}
		}
		return false
	}
	var got [][2]string
	for _, e := range entries {
		got = append(got, [2]string{e.Name, e.Value})
	}
	for _, a := range o.Answers {
		if a == nil || !slices.Equal(got, a.Variables) {
			t.Errorf("%q: %q, python-dotenv %+v", o.Text, got, a)
		}
	}
	return true
}

// refusable says that a file has something for which it is refused.
func refusable(o oracle) bool {
	first := o.Answers[0]
	for _, a := range o.Answers {
		if a == nil || first == nil || !a.Plain || !slices.Equal(a.Variables, first.Variables) {
			return true
		}
	}
	seen := map[string]bool{}
	for _, v := range first.Variables {
		if seen[v[0]] || dotenv.Check(v[0], v[1]) != nil {
			return true
		}
		seen[v[0]] = true
	}
	return strings.Contains(o.Text, "\x00") || strings.HasPrefix(o.Text, "\ufeff\ufeff") || uncertain.MatchString(o.Text)
}

// uncertain is what versions agree on, or not, by what else the file has.
var uncertain = regexp.MustCompile(`=[ \t]+#|\\\\['"]|\\['"]$`)

func record(t *testing.T, texts, pythons []string) {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	out.WriteString("[\n")
	for i, o := range ask(t, texts, pythons...) {
		if i > 0 {
			out.WriteString(",")
		}
		if err := enc.Encode(o); err != nil {
			t.Fatal(err)
		}
	}
	out.WriteString("]\n")
	if err := os.WriteFile(oracleFile, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ask asks the python-dotenv of each of these Pythons.
func ask(t *testing.T, texts []string, pythons ...string) []oracle {
	t.Helper()
	out := make([]oracle, len(texts))
	for i, text := range texts {
		out[i].Text = text
	}
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	for _, python := range pythons {
		if err := exec.Command(python, "-c", "import dotenv.parser").Run(); err != nil {
			t.Skipf("%q has no python-dotenv", python)
		}
		var said bytes.Buffer
		cmd := exec.Command(python, "testdata/oracle.py")
		cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &said
		got, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, said.String())
		}
		var answers []*answer
		if err := json.Unmarshal(got, &answers); err != nil {
			t.Fatal(err)
		}
		for i := range out {
			out[i].Answers = append(out[i].Answers, answers[i])
		}
	}
	return out
}

// telling are files that are about one thing each.
var telling = []string{
	"", "\n", "A=1", "A=1\n", "A=1\nB=2\n", "\ufeffA=1\n", "A=1\r\nB=2\r\n", "A=1\rB=2\r", "# x\nA=1 # y\n", "A=x#y\n", "A= # y\n", "A=#y\n", "A=\t# y\n", "  A = 1  \n",
	"export A=1\n", "export\tA=1\n", "export=1\n", "export\n", "export =1\n", "exportA=1\n", "export export A=1\n", "export # x\n", "A\n", "A # x\n", "=1\n", " = 1\n", "A=\nB=\n",
	"A='1'\n", "'A'=1\n", "'A B'=1\n", "A=\"1\n2\"\nB=3\n", "A='1\n2'\n", "A='1\r\n2'\r\n", "A=\"1\\n2\\t\\\\ \\\" \\' \\x \\a\\b\\f\\r\\v\"\n", "A='\\' \\\\ \\n'\n", "A='x", "A=\"x\nB=1\n",
	"A='x'y\n", "A='x' y\n", "A='x' # y\n", "A='x'# y\n", "A='x\\'\nB='y'\n", "A='x\\\\'\n", "A='x\\\\'\nB='y'\n", "A='x\\'", "A=\"x\\\"\n", "A=''\n", "A=\"\"\n",
	"A=$\nB=$HOME\nC=a$b\n", "A=${HOME}\n", "A='${HOME}'\n", "A=${HOME:-x}\n", "A=${}\n", "A=${HOME\n", "A=${a:b}\n", "A=$2b$12$abc\n", "A=1\nA=2\n", "A=1\nA=1\n",
	"A=x \u00a0# y\n", "A=x\u2003\n", "A\u00a0=1\n", "A=1\x1cB=2\n", "A=1\u2028B=2\n", "A=1\x0bB=2\n", "A=1\x85B=2\n", "A=ż 🙂\n", "Ł=1\n", "A-B=1\n", "1A=1\n", "a.b=1\n",
	"A==\n", "A=b=c\n", "A=\"b\" \\\n", "A=\\\n", "A=\"\\", "A=x\\ny\n", "A=`x`\n", "A=(x)\n", "PATH=/x\n", "FNGEN_X=1\n", "HOME=1\n", "PORT=1\nVAULT_ADDR=x\n",
	"A=-----BEGIN-----\nabc\n-----END-----\n", "A=\"-----BEGIN-----\nabc=\n-----END-----\"\n", "A={\"a\": \"b\"}\n", "A='{\"a\": \"b\"}'\n",
}

// pieces are what random files are made of.
var pieces = []string{
	"A", "B", "C_1", "export ", "export", "=", "=", "=", "'", "\"", "\\", "\\'", "\\\"", "\\n", "#", " #", " ", "\t", "\n", "\n", "\r\n", "\r", "$", "${", "}", "${A}", ":-", "x", "y z", "ż", "\u00a0", "\x0b",
	"A=1\n", "B='x y'\n", "C=\"1\n2\"\n", "D=# c\n", "\ufeff",
}

func random(r *rand.Rand) string {
	var out strings.Builder
	for i := range r.IntN(14) {
		if r.IntN(3) == 0 {
			fmt.Fprintf(&out, "N%d=%s\n", i, pieces[r.IntN(len(pieces))])
			continue
		}
		out.WriteString(pieces[r.IntN(len(pieces))])
	}
	return out.String()
}

// Each refusal tells its line, and none tells a value.
func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nB=\xff\n":                   "FN3001 2",
		"A=1\nB=\x00\n":                   "FN3001 2",
		"A=1\n\ncanary\n":                 "FN3002 3",
		"A=1\n=canary\n":                  "FN3002 2",
		"A='canary\nB=1\n":                "FN3003 1",
		"A=\"canary\" canary\n":           "FN3003 1",
		"A=canary\nA=canary2\n":           "FN3004 2",
		"A-B=canary\n":                    "FN3005 1",
		"\r\nPATH=canary\r\n":             "FN3006 2",
		"NOMAD_TOKEN=canary\n":            "FN3006 1",
		"A='x\ny'\nB=${canary}\n":         "FN3007 3",
		"A=" + strings.Repeat("c", 70000): "FN3009 1",
		"bad\nA='canary\nB\nA=1\nA=2":     "FN3002 1, FN3003 2, FN3002 3, FN3004 5",
	} {
		entries, faults := dotenv.Parse("x.env", []byte(text))
		var got []string
		for _, f := range faults {
			got = append(got, fmt.Sprint(f.Code, " ", f.Line))
			// A line that is no variable is named, as it may be a name.
			if all := fmt.Sprint(f.Message, f.Help, f.Notes, f.Excerpt); strings.Contains(all, "canary") && f.Code != "FN3002" {
				t.Errorf("%.40q shows a value: %+v", text, f)
			}
		}
		if strings.Join(got, ", ") != want || entries != nil {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
	if _, faults := dotenv.Parse("x", make([]byte, dotenv.MaxBytes+1)); len(faults) != 1 || faults[0].Code != "FN3001" {
		t.Errorf("too large: %+v", faults)
	}
	if d := dotenv.Check("A", "canary\x00"); d == nil || d.Code != "FN3008" || strings.Contains(d.Message, "canary") {
		t.Errorf("NUL: %+v", d)
	}
}

// FuzzParse: whatever a file holds, it is refused with a line or gives variables that a
// program can have, and it is read in time that goes with its length.
func FuzzParse(f *testing.F) {
	for _, text := range telling {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, faults := dotenv.Parse("f", data)
		if len(faults) > 0 && entries != nil {
			t.Fatal("entries and faults")
		}
		seen := map[string]bool{}
		for _, e := range entries {
			if dotenv.Check(e.Name, e.Value) != nil || seen[e.Name] || e.Line < 1 {
				t.Errorf("%+v", e)
			}
			seen[e.Name] = true
		}
	})
}
