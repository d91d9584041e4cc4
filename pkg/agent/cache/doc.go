// Package cache is a project's part of a node's cache: trees, layers and static files,
// fetched once, verified, kept as long as an agent holds them.
package cache
