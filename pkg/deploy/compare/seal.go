package compare

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/jobs"
)

// Applied is what a change would apply, and to what.
type Applied struct {
	// Live is the release that is live, 0 for none, and Release what the change makes.
	Live, Release int
	Tree          string
	Jobs          []*nomadapi.Job
}

// Seal is a digest of a change. index tells the state of a job in Nomad.
func (a Applied) Seal(index func(*nomadapi.Job) (uint64, error)) (string, error) {
	type job struct {
		HCL   string
		Index uint64
	}
	content := struct {
		Live, Release int
		Tree          string
		Jobs          []job
	}{Live: a.Live, Release: a.Release, Tree: a.Tree}
	for _, j := range a.Jobs {
		text, err := jobs.HCL(j)
		if err != nil {
			return "", err
		}
		at, err := index(j)
		if err != nil {
			return "", err
		}
		content.Jobs = append(content.Jobs, job{string(text), at})
	}
	text, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("encode plan: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
