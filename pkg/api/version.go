package api

import "fngen.dev/fngen/compiler/ir"

// Version is that of the programs of this module: they and the SDK are one release.
const Version = ir.SDKVersion
