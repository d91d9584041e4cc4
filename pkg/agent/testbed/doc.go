// Package testbed is a node, an allocation on it and a control plane, for tests of the
// agent.
package testbed
