package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/config"
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/source"
)

var update = flag.Bool("update", false, "rewrite docs/fngen.schema.json")

// The schema in the repository is the one that is made now.
func TestPublished(t *testing.T) {
	const published = "../../docs/fngen.schema.json"
	got, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(published, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("run go test ./compiler/schema -update: -want +got:\n%s", d)
	}
}

// Editors explain every key.
func TestDescribed(t *testing.T) {
	text, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	properties := 0
	var walk func(path string, v any)
	walk = func(path string, v any) {
		m, _ := v.(map[string]any)
		for key, value := range m {
			walk(path+"/"+key, value)
			if key != "properties" {
				continue
			}
			for name, p := range value.(map[string]any) {
				properties++
				if p.(map[string]any)["description"] == nil {
					t.Errorf("%s/%s has no description: reference.yml does not explain it", path, name)
				}
			}
		}
	}
	walk("", root)
	if properties < 10 {
		t.Errorf("%d properties were found", properties)
	}
}

// beyond are the faults that a schema cannot see, and why.
var beyond = map[string]string{
	"FN1103":       "whether it is one document of YAML is seen before a schema is asked",
	"FN1104":       "anchors, aliases and tags are resolved before a schema is asked",
	"FN1106 count": "2.0 and 0x2 are the number 2 to a schema, and are to be written plainly",
	"FN1107":       "of two equal keys a schema sees one; names of servers are unique across a list",
	"FN1114":       "which Pythons a platform has",
	"FN1128":       "what other files say of the Python",
	"FN1302":       "the length of a host name, of project and function together",
	"FN1304":       "which functions there are",
	"FN1307":       "which Power a function has, and so which of the options",
	"FN1311":       "which letters a host name has",
	"FN1351":       "how much the parts of a time make",
	"FN1353":       "the platform's own domain",
	"FN1354":       "that two functions have one domain",
	"FN1358":       "how many bytes a command has, and how its letters are composed",
	"FN1318":       "in which regions a platform has servers",
	"FN1340":       "what the requirements are",
}

// TestAgree holds validator and schema against each other: on every fngen.yml of
// the compiler's cases, on the manual page, and on what becomes of them when one
// value after the other is changed, removed or renamed.
func TestAgree(t *testing.T) {
	schema := compiled(t)
	cases, err := filepath.Glob("../testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	checked, refused := 0, 0
	check := func(name string, files fstest.MapFS, text []byte) {
		files["fngen.yml"] = &fstest.MapFile{Data: text}
		ok := agree(t, schema, name, files)
		checked++
		if !ok {
			refused++
		}
	}
	for _, path := range cases {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files := fstest.MapFS{}
		for _, f := range archive.Files {
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
		if files["fngen.yml"] == nil {
			continue
		}
		text := files["fngen.yml"].Data
		check(filepath.Base(path), files, text)
		for _, m := range mutations(text) {
			check(filepath.Base(path), files, m)
		}
	}
	for _, m := range append(mutations(config.Reference), config.Reference) {
		check("reference.yml", app(), m)
	}
	if checked < 1000 || refused < 500 || checked-refused < 50 {
		t.Errorf("%d files, %d of them refused: too few to say anything", checked, refused)
	}
	t.Logf("%d files, %d of them refused", checked, refused)
}

func app() fstest.MapFS {
	code := "from fngen.powers import task_worker, webapp\n\n\n@webapp(framework='fastapi')\ndef live_app():\n    return None\n\n\n" +
		"@task_worker\ndef process_data(data):\n    return None\n"
	return fstest.MapFS{"app.py": &fstest.MapFile{Data: []byte(code)}}
}

// FuzzAgree: what the validator takes, the schema takes.
func FuzzAgree(f *testing.F) {
	f.Add(config.Reference)
	f.Add([]byte("functions: {live_app: {domain: ~, health: /a.b/c~}}\n"))
	f.Add([]byte("functions: {process_data: {timeout: 1h30m, retries: 0, concurrency: 100, compute: server}}\n"))
	f.Add([]byte("servers: [{name: a, size: xs, region: us-west, count: 0o7}]\npython: 'cpython-3.11.4'\n"))
	schema := compiled(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		files := app()
		files["fngen.yml"] = &fstest.MapFile{Data: text}
		agree(t, schema, "fuzz", files)
	})
}

// agree reports whether both took the file, after it has complained when only one
// did and there is no reason.
func agree(t *testing.T, schema *jsonschema.Schema, name string, files fstest.MapFS) bool {
	t.Helper()
	text := files["fngen.yml"].Data
	codes := validate(files)
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		if len(codes) == 0 {
			t.Errorf("%s: the validator takes what is no YAML: %v\n%s", name, err, text)
		}
		return false
	}
	err := schema.Validate(value)
	switch {
	case len(codes) == 0 && err != nil:
		t.Errorf("%s: the validator takes what the schema refuses: %v\n%s", name, err, text)
	case err == nil && slices.ContainsFunc(codes, func(c string) bool { return beyond[c] == "" }):
		t.Errorf("%s: the schema takes what the validator refuses with %v\n%s", name, codes, text)
	}
	return err == nil && len(codes) == 0
}

// validate returns the codes of the errors that are about fngen.yml.
func validate(files fstest.MapFS) []string {
	tree := source.Tree{FS: files}
	for name := range files {
		tree.Files = append(tree.Files, source.File{Path: name})
	}
	slices.SortFunc(tree.Files, func(a, b source.File) int { return strings.Compare(a.Path, b.Path) })
	_, diags := compiler.Compile(context.Background(), compiler.Input{Tree: tree, Target: compiler.Target{Pythons: []string{"3.11", "3.12"}}})
	var out []string
	for _, d := range diags {
		switch {
		case d.Severity != diag.Error || d.File != "fngen.yml":
		case d.Code == "FN1106" && strings.HasPrefix(d.Message, `"count"`):
			out = append(out, "FN1106 count")
		default:
			out = append(out, d.Code)
		}
	}
	return out
}

func compiled(t testing.TB) *jsonschema.Schema {
	text, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("fngen.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("fngen.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// values take the place of every value in turn.
var values = []string{
	"~", "''", "x", "'a b'", "a--b", "-a", "A", "www", "us-west", "s", "3.11", "'3.11'", "'3.11.4'", "'2.7'", "1", "0", "-1", "101", "1.5", "true",
	"2026-01-01", "[]", "{}", "[x]", "{x: y}", "/a//b", "/a/../b", "/.a", "a.example", "a..b", "1h30m", "90", "43201", "15x", "fastapi", "serverless", "server",
}

// mutations are the file with one thing changed.
func mutations(text []byte) [][]byte {
	var out [][]byte
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil {
		return nil
	}
	emit := func() {
		if data, err := yaml.Marshal(&doc); err == nil {
			out = append(out, data)
		}
	}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		kept := *n
		for _, v := range values {
			var other yaml.Node
			if yaml.Unmarshal([]byte(v), &other) == nil && n.Kind != yaml.DocumentNode {
				*n = *other.Content[0]
				emit()
			}
		}
		*n = kept
		for i := range n.Content {
			width := 1
			if n.Kind == yaml.MappingNode {
				if i%2 == 1 {
					continue
				}
				width = 2
			}
			n.Content = slices.Delete(slices.Clone(kept.Content), i, i+width)
			emit()
			n.Content = slices.Concat(kept.Content, kept.Content[i:i+width])
			emit()
			n.Content = kept.Content
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(&doc)
	return out
}
