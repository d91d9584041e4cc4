// Package document reads TOML and JSON files of a tree into values that know where
// they stand.
package document

import (
	"errors"
	"io/fs"
	"slices"
	"unicode/utf8"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/literal"
	"fngen.dev/fngen/compiler/source"
)

// Text is a string and where it stands; empty when the key is missing.
type Text struct {
	Value string
	Place literal.Place
}

// In reports whether a tree has a file.
func In(tree source.Tree, name string) bool {
	_, found := slices.BinarySearchFunc(tree.Files, name, func(f source.File, name string) int {
		switch {
		case f.Path < name:
			return -1
		case f.Path > name:
			return 1
		}
		return 0
	})
	return found
}

// Read reads a file of a tree, or reports that it cannot be read.
func Read(tree source.Tree, name string, diags *diag.List) ([]byte, bool) {
	data, err := source.ReadText(tree.FS, name)
	if err == nil {
		return data, true
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	diags.Add(diag.Diagnostic{Code: "FN1102", File: name, Message: "the file cannot be read: " + err.Error(), Help: "make it readable"})
	return nil, false
}

// Invalid is where data is no UTF-8 text, or -1.
func Invalid(data []byte) int {
	for i := 0; i < len(data); {
		c, n := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && n <= 1 || c == 0 {
			return i
		}
		i += n
	}
	return -1
}
