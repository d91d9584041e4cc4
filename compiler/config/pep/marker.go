package pep

import "regexp"

// The words of an environment marker (PEP 508).
var markerToken = regexp.MustCompile(`^(?:\s+|\(|\)|'[^']*'|"[^"]*"|===|==|~=|!=|<=|>=|<|>|[A-Za-z_][A-Za-z0-9_.]*)`)

// MarkerVariables are the names that a marker can compare.
var MarkerVariables = map[string]bool{
	"python_version": true, "python_full_version": true, "os_name": true, "sys_platform": true, "platform_release": true,
	"platform_system": true, "platform_version": true, "platform_machine": true, "platform_python_implementation": true,
	"implementation_name": true, "implementation_version": true, "extra": true, "extras": true, "dependency_groups": true,
	// Names of before PEP 508, which installers still take.
	"os.name": true, "sys.platform": true, "platform.version": true, "platform.machine": true,
	"platform.python_implementation": true, "python_implementation": true,
}

// ValidMarker reports whether text is an environment marker. It goes from word to
// word with the depth of the brackets as all its state, so that no nesting is too
// deep for it.
func ValidMarker(text string) bool {
	words, ok := markerWords(text)
	if !ok {
		return false
	}
	depth := 0
	for {
		for len(words) > 0 && words[0] == "(" {
			depth++
			words = words[1:]
		}
		if words, ok = comparison(words); !ok {
			return false
		}
		for len(words) > 0 && words[0] == ")" && depth > 0 {
			depth--
			words = words[1:]
		}
		if len(words) == 0 {
			return depth == 0
		}
		if words[0] != "and" && words[0] != "or" {
			return false
		}
		words = words[1:]
	}
}

// comparison drops `value operator value` from the front.
func comparison(words []string) ([]string, bool) {
	if len(words) < 3 || !markerValue(words[0]) {
		return nil, false
	}
	switch words[1] {
	case "===", "==", "~=", "!=", "<=", ">=", "<", ">", "in":
		return words[3:], markerValue(words[2])
	case "not":
		if len(words) > 3 && words[2] == "in" {
			return words[4:], markerValue(words[3])
		}
	}
	return nil, false
}

func markerValue(word string) bool {
	return word[0] == '\'' || word[0] == '"' || MarkerVariables[word]
}

func markerWords(text string) ([]string, bool) {
	var out []string
	for text != "" {
		word := markerToken.FindString(text)
		if word == "" {
			return nil, false
		}
		if text = text[len(word):]; word[0] > ' ' {
			out = append(out, word)
		}
	}
	return out, true
}
