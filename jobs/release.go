package jobs

import (
	"errors"
	"fmt"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// commandGrace is how long a release command that is stopped may take to end, so
// that a database can roll its transaction back.
const commandGrace = 30 * time.Second

// Command is the release command of one function, and the job that runs it.
type Command struct {
	Function ir.Function
	Job      *nomad.Job
}

// CommandID is the batch job of a function's release command.
func CommandID(f ir.Function) string { return "release-" + f.Name }

// Commands returns the release commands of a release in file order. They are no
// part of what Lower makes: each runs once, to its end, before that is rolled out.
func Commands(p *ir.Project, r Release, c Cluster) ([]Command, error) {
	if err := errors.Join(checkProject(p), check(r.Tree, r.Layer, c.APIURL)); err != nil {
		return nil, fmt.Errorf("lower the release commands of project %q: %w", p.Name, err)
	}
	var out []Command
	for _, f := range p.Functions {
		if f.Power != ir.PowerWebApp || f.WebApp.Release == "" {
			continue
		}
		job, err := command(p, f, r, c)
		if err != nil {
			return nil, fmt.Errorf("lower the release command of function %q: %w", f.Name, err)
		}
		out = append(out, Command{f, job})
	}
	return out, nil
}

// command makes the batch job of one release command: on the first server of
// fngen.yml, in the same code and as the same user as the function will be there.
func command(p *ir.Project, f ir.Function, r Release, c Cluster) (*nomad.Job, error) {
	s := p.Servers[0]
	size, err := lookupSize(s)
	if err != nil {
		return nil, err
	}
	pairs := append(functionPairs(p, f, s, r), "api", c.APIURL, "command", f.WebApp.Release)
	// The least that a function can have, so that there is room beside the instances
	// of the release before: they leave one share free, which may be less than ours.
	task := withVariables(agentTask("command", flags("run", pairs...), share(size, max(Room(size), len(p.Functions)))), p, r)
	task.KillTimeout = new(commandGrace)
	return &nomad.Job{
		ID: new(CommandID(f)), Name: new(CommandID(f)), Namespace: new(p.Name), Type: new("batch"),
		Datacenters: []string{s.Region},
		UI: &nomad.JobUIConfig{
			Description: fmt.Sprintf("Runs the release command of `%s` of project **%s** before release %d is rolled out.", f.Name, p.Name, r.Number),
		},
		TaskGroups: []*nomad.TaskGroup{{
			Name: new(s.Name), Count: new(1),
			Constraints:      placement(s),
			RestartPolicy:    once(),
			ReschedulePolicy: never(),
			// A node that is out of reach may still be at it.
			Disconnect: &nomad.DisconnectStrategy{Replace: new(false)},
			Networks:   networked(),
			Volumes:    volumes(),
			Tasks:      []*nomad.Task{task},
		}},
	}, nil
}
