// Not a module to build: it keeps these files out of the project's own packages.
module overlay
