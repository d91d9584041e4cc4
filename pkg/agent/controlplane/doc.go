// Package controlplane asks the control plane, as the allocation that the agent runs in,
// and hands on what a function asks of it.
package controlplane
