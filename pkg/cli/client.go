package cli

import (
	"errors"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/dev"
	"fngen.dev/fngen/pkg/dev/tasks"
)

// client is the platform as the person of the credentials sees it. Nothing is
// sent before the first call.
func (a *app) client() (*api.Client, error) {
	c, err := a.loadCredentials()
	if err != nil {
		return nil, err
	}
	return api.NewClient(c.APIURL, string(c.Key), c.CACert, api.Version)
}

// clientOf is the platform, or with dev the fngen dev that runs for this directory.
func (a *app) clientOf(here bool) (*api.Client, error) {
	if !here {
		return a.client()
	}
	address, err := dev.Find(".")
	if errors.Is(err, dev.ErrNotRunning) {
		return nil, &usageError{message: err.Error(), help: "start it: fngen dev PATH; then run this in PATH"}
	}
	if err != nil {
		return nil, err
	}
	return api.NewClient(address, dev.Key, "", api.Version)
}

// devProject stands for the project of the fngen dev that runs, where none is named.
const devProject = tasks.Any
