package ir

// SDKVersion is the version of the Python package fngen that belongs to this
// compiler. A test holds that the package says the same.
const SDKVersion = "1.0.0"
