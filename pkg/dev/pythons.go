package dev

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// pythonsFile remembers the versions on this machine: uv starts every interpreter to
// find them, which takes seconds where there are many.
const pythonsFile = "pythons.json"

type pythons struct {
	// Places identifies where uv looks, as it was then.
	Places   string   `json:"places"`
	Versions []string `json:"versions"`
}

// Pythons are the versions on this machine that a platform may have, such as "3.12".
func Pythons(ctx context.Context, uv, root string) ([]string, error) {
	dir, err := workplace(root)
	if err != nil {
		return nil, err
	}
	file, places := filepath.Join(dir, pythonsFile), pythonPlaces(uv)
	var known pythons
	if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, &known) == nil && known.Places == places {
		return known.Versions, nil
	}
	known = pythons{Places: places}
	if known.Versions, err = askPythons(ctx, uv); err != nil {
		return nil, err
	}
	data, err := json.Marshal(known)
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("remember the Pythons of this machine: %w", err)
	}
	return known.Versions, nil
}

// pythonPlaces identifies the directories in which uv finds interpreters: another one in
// any of them changes the time of the directory.
func pythonPlaces(uv string) string {
	places := append(filepath.SplitList(os.Getenv("PATH")), uv, os.Getenv("UV_PYTHON_INSTALL_DIR"))
	if home, err := os.UserHomeDir(); err == nil {
		places = append(places, filepath.Join(home, ".local", "share", "uv", "python"))
	}
	h := sha256.New()
	for _, place := range places {
		changed := int64(0)
		if info, err := os.Stat(place); err == nil {
			changed = info.ModTime().UnixNano()
		}
		fmt.Fprintf(h, "%q %d\n", place, changed)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func askPythons(ctx context.Context, uv string) ([]string, error) {
	out, err := exec.CommandContext(ctx, uv, "python", "list", "--only-installed", "--output-format", "json").Output()
	if err != nil {
		return nil, fmt.Errorf("ask uv for the Pythons of this machine: %w", err)
	}
	var found []struct {
		Implementation string `json:"implementation"`
		Version        string `json:"version"`
		Parts          struct {
			Major, Minor int
		} `json:"version_parts"`
	}
	if err := json.Unmarshal(out, &found); err != nil {
		return nil, fmt.Errorf("read uv's list of Pythons: %w", err)
	}
	var versions []string
	for _, f := range found {
		version := fmt.Sprintf("%d.%d", f.Parts.Major, f.Parts.Minor)
		if f.Implementation == "cpython" && f.Parts.Major == 3 && f.Parts.Minor >= 9 && !slices.Contains(versions, version) {
			versions = append(versions, version)
		}
	}
	return versions, nil
}
