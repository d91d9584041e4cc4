// Package dns takes the place of one that knows how to prove a domain at many hosts
// of DNS.
package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
)

// NewDNSChallengeProviderByName always fails.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("this program was built without the DNS provider %s", name)
}
