// Package preflight looks, before anything is started, for what would make the
// start fail later and worse. Every fault says what to do about it, and all of
// them are shown at once.
package preflight
