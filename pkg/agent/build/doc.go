// Package build makes a dependency layer, with uv as the project's user, and stores it.
package build
