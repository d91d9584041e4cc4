package jobs

import (
	"fmt"
	"strings"
)

// forbidden are the openings of every language that reads a job after us: Nomad
// and HCL interpolation, consul-template, and Traefik's rule literals.
var forbidden = []string{"${", "%{", "{{", "`", "\x00", "\n", "\r"}

// check refuses strings that would be read as code somewhere below.
func check(values ...string) error {
	for _, v := range values {
		for _, bad := range forbidden {
			if strings.Contains(v, bad) {
				return fmt.Errorf("%q holds %q, which has a meaning in a job", v, bad)
			}
		}
	}
	return nil
}
