// Package disk bounds what one user's program has on the disk of its server.
package disk
