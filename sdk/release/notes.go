package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// notes are what CHANGELOG.md says of a version. Its day is the time of all files.
type notes struct {
	text string
	day  time.Time
}

// at is that time as files write it.
func (n notes) at() string { return n.day.Format(time.RFC3339) }

func readNotes(root, version string) (notes, error) {
	text, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return notes{}, fmt.Errorf("read notes: %w", err)
	}
	n, err := notesOf(string(text), version)
	if err != nil {
		return notes{}, fmt.Errorf("read notes of %s in CHANGELOG.md: %w", version, err)
	}
	return n, nil
}

// notesOf finds the section of a version, in the format of Keep a Changelog.
func notesOf(changelog, version string) (notes, error) {
	heading := "\n## [" + version + "]"
	_, section, found := strings.Cut("\n"+changelog, heading)
	if !found {
		return notes{}, fmt.Errorf("there is no section: give [Unreleased] its version and its day, as in `## [%s] - 2026-01-31`", version)
	}
	title, body, _ := strings.Cut(section, "\n")
	day, err := time.Parse(time.DateOnly, strings.TrimPrefix(strings.TrimSpace(title), "- "))
	if err != nil {
		return notes{}, fmt.Errorf("its heading ends with %q, which is no day: write `## [%s] - 2026-01-31`", title, version)
	}
	body, _, _ = strings.Cut(body, "\n## ")
	body = strings.TrimSpace(body)
	if body == "" {
		return notes{}, fmt.Errorf("the section is empty")
	}
	return notes{body + "\n", day}, nil
}
