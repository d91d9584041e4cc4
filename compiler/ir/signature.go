package ir

import "strings"

// Signature writes the parameters as Python does, in brackets.
func (f Function) Signature() string {
	var parts []string
	starred := false
	for i, p := range f.Parameters {
		text := p.Name
		switch p.Kind {
		case "var_positional":
			text, starred = "*"+text, true
		case "var_keyword":
			text = "**" + text
		case "keyword_only":
			if !starred {
				parts, starred = append(parts, "*"), true
			}
		}
		if p.Annotation != nil {
			text += ": " + *p.Annotation
		}
		if p.Default != nil {
			equals := "="
			if p.Annotation != nil {
				equals = " = "
			}
			text += equals + *p.Default
		}
		parts = append(parts, text)
		if p.Kind == "positional_only" && (i+1 == len(f.Parameters) || f.Parameters[i+1].Kind != p.Kind) {
			parts = append(parts, "/")
		}
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
