package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Key is what functions show to fngen dev, which asks for none: clients want one. It is
// of the form of a platform's, and no platform has it.
const Key = "fngen_devdevdevdevdevdevdevdevdevdevdev"

// runningFile says how the fngen dev of a tree is reached that runs at present.
const runningFile = "running.json"

type running struct {
	URL string `json:"url"`
}

// ErrNotRunning is a directory in and above which no fngen dev runs.
var ErrNotRunning = errors.New("no fngen dev runs in this directory, or above it")

// workplace makes the directory of all that is made for fngen dev, and keeps it out of git.
func workplace(root string) (string, error) {
	dir := filepath.Join(root, ".fngen", "dev")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make %s: %w", dir, err)
	}
	if err := os.WriteFile(filepath.Join(root, ".fngen", ".gitignore"), []byte("*\n"), 0o644); err != nil {
		return "", fmt.Errorf("keep .fngen out of git: %w", err)
	}
	return dir, nil
}

// remember notes where the platform of a run is, until forget is called. One that was
// killed leaves the note: then nobody answers there.
func remember(dir, platform string) (forget func(), err error) {
	path := filepath.Join(dir, runningFile)
	text, err := json.Marshal(running{platform})
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("note where fngen dev is: %w", err)
	}
	return func() { _ = os.Remove(path) }, nil // it would only be out of date
}

// Find is the address of the fngen dev that runs for a directory, or for one above it.
func Find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, ".fngen", "dev", runningFile))
		var found running
		switch {
		case err == nil && json.Unmarshal(data, &found) == nil && found.URL != "":
			return found.URL, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("look for fngen dev: %w", err)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", ErrNotRunning
		}
		dir = up
	}
}
