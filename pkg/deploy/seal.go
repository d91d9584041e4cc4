package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
)

// seal is a digest of what a change would apply and of what it would be applied
// to. index tells the state of a job in Nomad.
func (c *change) seal(lowered []*nomadapi.Job, index func(*nomadapi.Job) (uint64, error)) (string, error) {
	type job struct {
		HCL   string
		Index uint64
	}
	content := struct {
		Live, Release int
		Tree          string
		Jobs          []job
	}{Release: c.release.Number, Tree: c.release.Tree}
	if c.liveRelease != nil {
		content.Live = c.liveRelease.Number
	}
	for _, j := range lowered {
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

// asPlanned refuses a push that would not do what was planned. It is asked while
// nobody else can change the project; what somebody does to a job in Nomad after
// that is refused by the job's index.
func (p *push) asPlanned(ctx context.Context) error {
	if p.req.Plan == "" {
		return nil
	}
	planned := *p.change
	var err error
	if planned.release.Number, err = p.store.NextRelease(ctx, p.project.ID); err != nil {
		return fmt.Errorf("number a release: %w", err)
	}
	lowered, err := planned.lower()
	if err != nil {
		return err
	}
	now, err := planned.seal(lowered, func(job *nomadapi.Job) (uint64, error) {
		seen, err := p.nomad.Plan(ctx, job)
		return seen.Index, err
	})
	if err != nil || now == p.req.Plan {
		return err
	}
	return p.drifted()
}

func (p *push) drifted() error {
	live := "nothing is live"
	if p.liveRelease != nil {
		live = fmt.Sprintf("release %d is live", p.liveRelease.Number)
	}
	return api.NewProblem(api.Drifted, "the plan does not hold any more: since it was made the project, its jobs in Nomad or the platform have changed (%s)", live).
		WithHelp("nothing was changed. Make a new plan: fngen plan %s --json", p.project.Name)
}
