// Package instance is one function of a release on one server: what is said of it, and
// all that it needs, brought into place.
package instance
