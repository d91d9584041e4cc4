package nomad

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// ErrDrift means that a job changed between its plan and its submission.
type ErrDrift struct{ Job string }

func (e ErrDrift) Error() string {
	return fmt.Sprintf("job %q was changed by somebody else in the meantime", e.Job)
}

// Submit registers job if its index is still that of the plan. The source is
// shown in the Nomad UI as the job's definition.
func (c *Client) Submit(ctx context.Context, job *api.Job, index uint64, source []byte) (evalID string, err error) {
	resp, _, err := c.api.Jobs().RegisterOpts(job, &api.RegisterOptions{
		EnforceIndex: true, ModifyIndex: index, PreserveCounts: true,
		Submission: &api.JobSubmission{Source: string(source), Format: "hcl2"},
	}, write(ctx, *job.Namespace))
	if err != nil && strings.Contains(err.Error(), api.RegisterEnforceIndexErrPrefix) {
		return "", ErrDrift{Job: *job.ID}
	}
	if err != nil {
		return "", fmt.Errorf("register job %q: %w", *job.ID, err)
	}
	return resp.EvalID, nil
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
