package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// A layer is built once for what it is made of, its key. A branch, or a range of
// versions, may give another layer on another day. So a rebuild gets a key of its own,
// the first with "r" and a number, and later pushes of the same files use that.
const rebuildMark = "r"

// chooseLayer finds the layer for a key that the compiler computed: that of the
// live release when it was made of the same, else the newest. rebuild asks for one
// that is not there yet.
func (c *change) chooseLayer(ctx context.Context, key string, rebuild bool) (string, error) {
	if key == "" {
		return "", nil
	}
	built, err := c.store.LayersLike(ctx, c.project.ID, key)
	if err != nil {
		return "", err
	}
	if rebuild {
		last := 0
		for _, k := range built {
			last = max(last, rebuildOf(k, key))
		}
		return key + rebuildMark + strconv.Itoa(last+1), nil
	}
	live, err := c.store.LiveRelease(ctx, c.project.ID)
	if err == nil && rebuildOf(live.Layer, key) >= 0 {
		return live.Layer, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("read live release: %w", err)
	}
	for _, k := range built {
		if rebuildOf(k, key) >= 0 {
			return k, nil
		}
	}
	return key, nil
}

// rebuildOf is how often the layer of a key was built anew, or -1 for a layer of
// another key.
func rebuildOf(layer, key string) int {
	rest, ok := strings.CutPrefix(layer, key)
	if !ok || key == "" {
		return -1
	}
	if rest == "" {
		return 0
	}
	number, marked := strings.CutPrefix(rest, rebuildMark)
	n, err := strconv.Atoi(number)
	if err != nil || !marked {
		return -1
	}
	return n
}

// dependenciesOf tells where the packages of a layer come from: its commits once it
// is built.
func (c *change) dependenciesOf(ctx context.Context, d ir.Dependencies, layer string) (api.Dependencies, error) {
	out := api.Dependencies{
		Files: orNone(d.Files), Unread: orNone(d.Unread), Provided: orNone(d.Provided), Packages: orNone(d.Packages), Git: []api.GitSource{},
	}
	for _, g := range d.Git {
		out.Git = append(out.Git, api.GitSource(g))
	}
	if len(d.Git) == 0 {
		return out, nil
	}
	l, err := c.store.Layer(ctx, c.project.ID, layer)
	if errors.Is(err, store.ErrNotFound) || err == nil && l.Sources == "" {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal([]byte(l.Sources), &out.Git); err != nil {
		return out, fmt.Errorf("decode sources of layer %s: %w", layer, err)
	}
	return out, nil
}
