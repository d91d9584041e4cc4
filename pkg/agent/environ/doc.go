// Package environ has environments as the system has them, and what of one a program of a
// project may see.
package environ
