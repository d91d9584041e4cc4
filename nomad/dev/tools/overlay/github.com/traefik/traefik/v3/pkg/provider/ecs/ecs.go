// Package ecs takes the place of the provider of Amazon's container service.
package ecs

import (
	"errors"

	"github.com/traefik/traefik/v3/pkg/config/dynamic"
	"github.com/traefik/traefik/v3/pkg/safe"
)

// Provider provides nothing.
type Provider struct{}

// SetDefaults has nothing to set.
func (*Provider) SetDefaults() {}

// Init always fails.
func (*Provider) Init() error { return errors.New("this program was built without the provider ecs") }

// Provide is never called, since Init fails.
func (*Provider) Provide(chan<- dynamic.Message, *safe.Pool) error { return nil }
