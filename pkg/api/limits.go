package api

// Limits of a tree. The CLI refuses what is over them with the file's name; the
// server refuses it again.
const (
	MaxFiles        = 50_000
	MaxTreeBytes    = 512 << 20
	MaxFileBytes    = 100 << 20
	MaxPathBytes    = 1024
	MaxSegmentBytes = 255
	// MaxManifestBytes is the JSON of a manifest.
	MaxManifestBytes = 16 << 20
)
