// Package process starts, finds and stops the servers of the one-machine
// cluster.
//
// A process is known by its pid and the time the kernel started it, so that a
// pid which was used again after a crash is never taken for one of ours. All of
// it reads /proc: there is nothing here for other systems than Linux.
package process
