package compare

import (
	"bytes"

	nomadapi "github.com/hashicorp/nomad/api"
	"github.com/rogpeppe/go-internal/diff"

	"fngen.dev/fngen/jobs"
)

// Jobs is the difference of two jobs as people read them, unified; nil is no
// job. It is empty when they are the same.
func Jobs(before, after *nomadapi.Job) (string, error) {
	old, err := hclOf(before)
	if err != nil {
		return "", err
	}
	now, err := hclOf(after)
	if err != nil {
		return "", err
	}
	text := diff.Diff("live", old, "planned", now)
	// The first line only repeats the two names.
	if first, rest, ok := bytes.Cut(text, []byte("\n")); ok && bytes.HasPrefix(first, []byte("diff ")) {
		text = rest
	}
	return string(text), nil
}

func hclOf(job *nomadapi.Job) ([]byte, error) {
	if job == nil {
		return nil, nil
	}
	return jobs.HCL(job)
}
