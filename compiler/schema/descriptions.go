package schema

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// descriptions are the comments above the keys of the manual page, by path:
// "project", "servers.size"; "functions.health" for an option of any function.
func descriptions(reference []byte) (map[string]string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(reference, &doc); err != nil {
		return nil, fmt.Errorf("read the manual page: %w", err)
	}
	out := map[string]string{}
	describe(doc.Content[0], "", out)
	return out, nil
}

func describe(n *yaml.Node, path string, out map[string]string) {
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			describe(item, path, out)
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		comment := key.HeadComment
		if i == 0 && comment == "" {
			comment = n.HeadComment // of the first key of a list's entry
		}
		if text := plain(comment); text != "" && out[at] == "" {
			out[at] = text
		}
		if path == "functions" {
			at = path // options are the same whatever the function
		}
		describe(n.Content[i+1], at, out)
	}
}

// plain is a comment without its marks; of several paragraphs the last is meant.
func plain(comment string) string {
	paragraphs := strings.Split(comment, "\n\n")
	lines := strings.Split(paragraphs[len(paragraphs)-1], "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(strings.TrimLeft(l, "# "))
	}
	return strings.Join(lines, " ")
}
