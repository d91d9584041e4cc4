package target

import (
	"context"
	"path/filepath"

	"fngen.dev/fngen/compiler/source"
)

// Scan scans a path that a person wrote.
func Scan(ctx context.Context, path string, o source.Options) (*source.Scanned, error) {
	if !Exists(path) {
		return nil, noSuchPath(path)
	}
	return source.Scan(ctx, path, o)
}

// Indexed has digests kept from one scan to the next. Without a place for what
// can be made again nothing is kept.
func Indexed(cache string) source.Options {
	if cache == "" {
		return source.Options{}
	}
	return source.Options{Indexes: filepath.Join(cache, "fngen", "index")}
}
