package api

import (
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/delta"
)

// Limits of a tree. The CLI refuses what is over them with the file's name; the
// server refuses it again.
const (
	MaxFiles         = source.MaxFiles
	MaxTreeBytes     = source.MaxTreeSize
	MaxFileBytes     = source.MaxFileSize
	MaxPathBytes     = 1024
	MaxSegmentBytes  = 255
	MaxDepth         = 64
	MaxManifestBytes = delta.MaxBytes
)
