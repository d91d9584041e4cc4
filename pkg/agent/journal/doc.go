// Package journal is the log of one program: what it prints, with what the agent says of
// it, on its way to the platform.
package journal
