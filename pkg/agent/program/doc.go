// Package program starts a program of a project, as its user, without a right and in a copy
// of its code of its own, and sees to it until it ends.
package program
