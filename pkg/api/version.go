package api

// Version is that of the programs of this module.
const Version = "0.1.0"
