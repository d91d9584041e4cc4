// Package confine takes rights away, for good: from the agent, which begins as root, and
// from the programs of a project, before they are started. It also closes those
// directories of a task in which Nomad works as root of the host.
package confine
