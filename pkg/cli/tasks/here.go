package tasks

import (
	"errors"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cli/command"
	"fngen.dev/fngen/pkg/cli/exit"
	"fngen.dev/fngen/pkg/dev"
	"fngen.dev/fngen/pkg/dev/tasks"
)

// clientOf is the platform, or the fngen dev that runs for this directory.
func clientOf(a *command.App, here bool) (*api.Client, error) {
	if !here {
		return a.Client()
	}
	address, err := dev.Find(".")
	if errors.Is(err, dev.ErrNotRunning) {
		return nil, &exit.Usage{Message: err.Error(), Help: "start it: fngen dev PATH; then run this in PATH"}
	}
	if err != nil {
		return nil, err
	}
	return api.NewClient(address, dev.Key, "", api.Version)
}

// devProject stands for the project of the fngen dev that runs, where none is named.
const devProject = tasks.Any
