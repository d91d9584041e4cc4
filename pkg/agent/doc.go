// Package agent is the first program of every allocation. It fetches a project's
// code and dependency layer into the node's cache, gives up root for good, and only
// then lets begin what strangers wrote, as the project's user: Python (serve), a
// command (run) or uv (build).
//
// It starts as root because only root can fill a cache that no project may
// write, and because each project has a user of its own. Everything that it
// receives is checked before it is used: a tree by its digest, an archive by
// what it may hold. A thing that is in the cache is used without asking anyone,
// so running functions restart while the control plane is away.
//
// There is one agent beside every function, so it is kept small: no dependency
// that it can do without.
package agent
