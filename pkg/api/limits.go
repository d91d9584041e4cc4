package api

import (
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/delta"
)

// Limits of a tree, those of package source: the CLI refuses what is over them
// with the file's name, and the server refuses it again.
const (
	MaxFiles         = source.MaxFiles
	MaxTreeBytes     = source.MaxTreeSize
	MaxFileBytes     = source.MaxFileSize
	MaxPathBytes     = source.MaxPath
	MaxSegmentBytes  = source.MaxName
	MaxDepth         = source.MaxDepth
	MaxManifestBytes = delta.MaxBytes
)

// TreeBytesHeader is that of the answer which brings an agent a tree: how many
// bytes its files have together.
const TreeBytesHeader = "Fngen-Tree-Bytes"
