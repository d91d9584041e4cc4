// Package k8s takes the place of one that asks Kubernetes for addresses.
package k8s

import (
	"errors"
	"log"
)

// Provider finds nothing.
type Provider struct{}

var errLeftOut = errors.New("this program was built without finding servers by Kubernetes")

// Addrs always fails.
func (*Provider) Addrs(map[string]string, *log.Logger) ([]string, error) { return nil, errLeftOut }

// Help for people.
func (*Provider) Help() string { return errLeftOut.Error() }
