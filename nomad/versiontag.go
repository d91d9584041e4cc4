package nomad

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/nomad/api"
)

// keptTags is how many versions of a job keep a name. Nomad never collects a
// version that has one, so there must be an end to them.
const keptTags = 20

// Tag names the current version of a job, by which the Nomad UI and CLI can show
// and compare it. The name goes to the newest version that was given it. The
// oldest names beyond keptTags are taken away.
func (c *Client) Tag(ctx context.Context, namespace, jobID, name, description string) error {
	versions, _, _, err := c.api.Jobs().Versions(jobID, false, read(ctx, namespace))
	if err != nil {
		return fmt.Errorf("list versions of job %q: %w", jobID, err)
	}
	tagged := slices.DeleteFunc(slices.Clone(versions), func(v *api.Job) bool { return v.VersionTag == nil })
	for i, v := range tagged { // newest first
		if v.VersionTag.Name != name && i < keptTags-1 {
			continue
		}
		if _, err := c.api.Jobs().UntagVersion(jobID, v.VersionTag.Name, write(ctx, namespace)); err != nil {
			return fmt.Errorf("untag job %q: %w", jobID, err)
		}
	}
	if len(versions) == 0 {
		return fmt.Errorf("job %q has no versions", jobID)
	}
	if _, err := c.api.Jobs().TagVersion(jobID, *versions[0].Version, name, description, write(ctx, namespace)); err != nil {
		return fmt.Errorf("tag job %q: %w", jobID, err)
	}
	return nil
}
