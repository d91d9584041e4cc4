// Package sdk carries the Python package, so that `fngen dev` runs the same code
// as the platform without an installation of it.
package sdk

import "embed"

// Sources are the files below src/fngen. The files that begin with an underscore are
// named, since a directory leaves them out, and with them what Python has cached.
//
//go:embed src/fngen src/fngen/__init__.py src/fngen/__main__.py src/fngen/*/__init__.py src/fngen/*/*/__init__.py
var Sources embed.FS

// Requirements are the packages that the runtime serves with, by their hashes.
//
//go:embed runtime-requirements.txt
var Requirements []byte
