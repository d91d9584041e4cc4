package dotenv

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/diag"
)

// Limits of one variable. A program can be given no string of more than 128 KiB.
const (
	MaxName  = 256
	MaxValue = 64 << 10
)

var shape = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are names that the platform gives a meaning in every instance: whoever set
// them would not get what they wrote.
var reserved = []string{"HOME", "LOGNAME", "PATH", "PYTHONHOME", "TMPDIR", "USER", "VIRTUAL_ENV"}

// reservedPrefixes begin names of the platform's own.
var reservedPrefixes = []string{"FNGEN_", "NOMAD_"}

// CheckName says why a project cannot have a variable of a name, or nothing.
func CheckName(name string) *diag.Diagnostic {
	prefix := slices.IndexFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	switch {
	case !shape.MatchString(name) || len(name) > MaxName:
		return refusal("FN3005", fmt.Sprintf("%.60q is not the name of a variable", name), fmt.Sprintf("use letters of ASCII, digits and _, no digit first, %d characters at most", MaxName))
	case slices.Contains(reserved, name):
		return refusal("FN3006", fmt.Sprintf("%s is set by the platform for every instance", name), "choose another name; it would not have the value that you give it")
	case prefix >= 0:
		return refusal("FN3006", fmt.Sprintf("names that begin with %s are the platform's own", reservedPrefixes[prefix]), "choose another name")
	}
	return nil
}

// Check says why a project cannot have a variable, or nothing.
func Check(name, value string) *diag.Diagnostic {
	if d := CheckName(name); d != nil {
		return d
	}
	switch {
	case strings.Contains(value, "\x00") || !utf8.ValidString(value):
		return refusal("FN3008", fmt.Sprintf("the value of %s is not text in UTF-8, or holds a NUL", name), "encode it, as in base64, and decode it in the code")
	case len(value) > MaxValue:
		return refusal("FN3009", fmt.Sprintf("the value of %s has %d KiB, of %d that are possible", name, (len(value)+1023)>>10, MaxValue>>10), "keep what is large elsewhere, and name the place in a variable")
	}
	return nil
}

func refusal(code, message, help string) *diag.Diagnostic {
	return &diag.Diagnostic{Code: code, Severity: diag.Error, Message: message, Help: help}
}
