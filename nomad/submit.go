package nomad

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// ErrDrift means that a job changed between its plan and its submission.
type ErrDrift struct{ Job string }

func (e ErrDrift) Error() string {
	return fmt.Sprintf("job %q was changed by somebody else in the meantime", e.Job)
}

// submit registers job if its index is still that of the plan. Its counts are
// those of the job, whatever somebody scaled it to. The source is shown in the
// Nomad UI as the job's definition.
func (c *Client) submit(ctx context.Context, job *api.Job, index uint64, source []byte) (evalID string, err error) {
	resp, _, err := c.api.Jobs().RegisterOpts(job, &api.RegisterOptions{
		EnforceIndex: true, ModifyIndex: index,
		Submission: &api.JobSubmission{Source: string(source), Format: "hcl2"},
	}, write(ctx, *job.Namespace))
	if err != nil && strings.Contains(err.Error(), api.RegisterEnforceIndexErrPrefix) {
		return c.registered(ctx, job)
	}
	if err != nil {
		return "", fmt.Errorf("register job %q: %w", *job.ID, err)
	}
	return resp.EvalID, nil
}

// registered finds the evaluation of a job that is registered already just as it is
// to be: the request was made again because the first answer was lost. Any other job
// was changed by somebody else.
func (c *Client) registered(ctx context.Context, job *api.Job) (evalID string, err error) {
	plan, err := c.Plan(ctx, job)
	if err != nil {
		return "", err
	}
	if plan.Index == 0 || len(plan.Diff) > 0 {
		return "", ErrDrift{Job: *job.ID}
	}
	evals, _, err := c.api.Jobs().Evaluations(*job.ID, read(ctx, *job.Namespace))
	if err != nil {
		return "", fmt.Errorf("list evaluations of job %q: %w", *job.ID, err)
	}
	ours := slices.IndexFunc(evals, func(e *api.Evaluation) bool {
		return e.TriggeredBy == "job-register" && e.JobModifyIndex == plan.Index
	})
	if ours < 0 {
		return "", ErrDrift{Job: *job.ID} // Nomad went back to it by itself
	}
	return evals[ours].ID, nil
}

// evaluation waits until the scheduler has finished an evaluation.
func (c *Client) evaluation(ctx context.Context, namespace, id string) (*api.Evaluation, error) {
	var index uint64
	for {
		eval, meta, err := c.api.Evaluations().Info(id, after(ctx, namespace, index, wait))
		if err != nil {
			return nil, fmt.Errorf("read evaluation %s: %w", id, err)
		}
		switch eval.Status {
		case api.EvalStatusComplete, api.EvalStatusFailed, api.EvalStatusCancelled:
			return eval, nil
		}
		index = meta.LastIndex
	}
}

// evaluated waits until the scheduler has nothing left to do for a job: a
// deployment has succeeded before what it replaced is told to stop. Evaluations
// that wait for a time, such as that of a rescheduling, are not of now.
func (c *Client) evaluated(ctx context.Context, namespace, jobID string) error {
	var index uint64
	for {
		evals, meta, err := c.api.Jobs().Evaluations(jobID, after(ctx, namespace, index, wait))
		if err != nil {
			return fmt.Errorf("list evaluations of job %q: %w", jobID, err)
		}
		if !slices.ContainsFunc(evals, func(e *api.Evaluation) bool {
			return e.Status == api.EvalStatusPending && e.WaitUntil.IsZero()
		}) {
			return nil
		}
		index = meta.LastIndex
	}
}
