package cli

import "fngen.dev/fngen/pkg/api"

// client is the platform as the person of the credentials sees it. Nothing is
// sent before the first call.
func (a *app) client() (*api.Client, error) {
	c, err := a.loadCredentials()
	if err != nil {
		return nil, err
	}
	return api.NewClient(c.APIURL, string(c.Key), c.CACert, api.Version)
}
