package docs

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fngen.dev/fngen/compiler/config"
	"fngen.dev/fngen/compiler/schema"
	"fngen.dev/fngen/pkg/cli"
)

var update = flag.Bool("update", false, "rewrite docs/reference")

// TestReference holds that the pages of docs/reference are what the sources say.
func TestReference(t *testing.T) {
	settings, err := settingsPage()
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{"cli.md": commandsPage(cli.Commands()), "fngen-yml.md": settings}
	for name, want := range pages {
		path := filepath.Join("reference", name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not what the sources say; rewrite it: go test ./docs -run TestReference -update\n%s", path, diff)
		}
	}
}

// made is the first line of a page.
const made = "<!-- Made by `go test ./docs -run TestReference -update`: change the sources instead. -->\n\n"

// commandsPage is the reference of the CLI: a part for each command, in the order and
// under the titles of its help.
func commandsPage(root *cobra.Command) string {
	w := &page{}
	w.WriteString("# Commands\n\n" + made)
	w.line("What `fngen help` and `fngen COMMAND --help` show. Results are on stdout, all else on stderr. Credentials are `FNGEN_API_KEY`, else")
	w.line("`api_key` in `~/.fngen/credentials.yml`; `FNGEN_API_URL` and `FNGEN_CA_CERT`, `api_url` and `ca_cert`, likewise.\n")
	w.line("| exit code | |\n|---|---|\n| 0 | done |\n| 1 | failed or refused |\n| 2 | `plan --detailed-exitcode` found changes |\n| 4 | not authenticated or not allowed |\n| 130 | interrupted |\n")
	w.line("Every command has these flags:\n")
	w.flags(root.PersistentFlags())
	for _, group := range root.Groups() {
		w.line("\n## %s", strings.TrimSuffix(group.Title, ":"))
		for _, c := range root.Commands() {
			if c.GroupID == group.ID && c.IsAvailableCommand() {
				w.command(c)
			}
		}
	}
	return w.String()
}

// page is a page of Markdown as it grows.
type page struct{ strings.Builder }

func (w *page) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *page) command(c *cobra.Command) {
	w.line("\n### %s\n\n```text\n%s\n```\n", c.CommandPath(), c.UseLine())
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	w.prose(text)
	if c.LocalNonPersistentFlags().HasAvailableFlags() {
		w.flags(c.LocalNonPersistentFlags())
		w.line("")
	}
	if c.Example != "" {
		w.line("```sh")
		for l := range strings.Lines(c.Example) {
			w.WriteString(strings.TrimPrefix(l, "  "))
		}
		w.line("\n```")
	}
	for _, sub := range c.Commands() {
		w.command(sub)
	}
}

// prose writes the text of a help. What is set in there is shown as it is.
func (w *page) prose(text string) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if strings.HasPrefix(paragraph, "  ") {
			w.line("```text\n%s\n```\n", paragraph)
			continue
		}
		w.line("%s\n", strings.ReplaceAll(escape(paragraph), "\n- ", "\n\\- ")) // no list
	}
}

func (w *page) flags(set *pflag.FlagSet) {
	w.line("| flag | |\n|---|---|")
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" && !set.HasFlags() {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		if kind := f.Value.Type(); kind != "bool" && f.DefValue != "" && !(kind == "int" && f.DefValue == "0") {
			usage += fmt.Sprintf(" (default `%s`)", f.DefValue)
		}
		w.line("| `%s` | %s |", name, escape(usage))
	})
}

// escape keeps a text from meaning anything in Markdown, but what stands in code marks.
func escape(text string) string {
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.NewReplacer("<", "&lt;", "*", `\*`, "|", `\|`, "[", `\[`, "__", `\_\_`).Replace(parts[i])
	}
	return strings.Join(parts, "`")
}

// keySchema is what the page shows of a schema.
type keySchema struct {
	Description string
	Type        []string
	Enum        []string
	Minimum     *int
	Maximum     *int
	Items       *keySchema
	Properties  map[string]*keySchema
	// Additional is of the values of a map with any keys.
	Additional json.RawMessage `json:"additionalProperties"`
}

// settingsPage is the reference of fngen.yml.
func settingsPage() (string, error) {
	text, err := schema.JSON()
	if err != nil {
		return "", err
	}
	var root, function keySchema
	if err := json.Unmarshal(text, &root); err != nil {
		return "", err
	}
	if err := json.Unmarshal(root.Properties["functions"].Additional, &function); err != nil {
		return "", err
	}
	w := &page{}
	w.WriteString("# fngen.yml\n\n" + made)
	w.line("%s [configuration.md](../configuration.md)", escape(root.Description))
	w.line("says how the file is read, and `fngen schema` prints the schema for editors.\n")
	w.keys(root)
	w.line("\n## A server\n\nAn entry of `servers`.\n")
	w.keys(*root.Properties["servers"].Items)
	w.line("\n## A function\n\nThe options of one of `functions`. Each is of the decorator, too: `@webapp` or `@task_worker`.\n")
	w.keys(function)
	w.line("\n## A whole file\n\n```yaml\n%s\n```", strings.TrimSpace(string(config.Reference)))
	return w.String(), nil
}

func (w *page) keys(of keySchema) {
	w.line("| key | takes | |\n|---|---|---|")
	var after []string
	for _, name := range slices.Sorted(maps.Keys(of.Properties)) {
		key := of.Properties[name]
		text, more, _ := strings.Cut(key.Description, "\n\n")
		if more != "" {
			after = append(after, fmt.Sprintf("`%s`:\n\n%s", name, escape(more)))
		}
		w.line("| `%s` | %s | %s |", name, taken(key), escape(text))
	}
	for _, text := range after {
		w.line("\n%s", text)
	}
}

// taken says which values a key takes.
func taken(key *keySchema) string {
	var parts []string
	for _, kind := range key.Type {
		switch {
		case kind == "null":
			continue
		case kind == "string" && len(key.Enum) > 0:
			parts = append(parts, "`"+strings.Join(key.Enum, "`, `")+"`")
		case kind == "integer" && key.Minimum != nil && key.Maximum != nil:
			parts = append(parts, fmt.Sprintf("%d to %d", *key.Minimum, *key.Maximum))
		case kind == "array":
			parts = append(parts, "a list")
		case kind == "object":
			parts = append(parts, "a map")
		case kind == "string":
			parts = append(parts, "text")
		default:
			parts = append(parts, kind)
		}
	}
	return strings.Join(parts, " or ")
}
