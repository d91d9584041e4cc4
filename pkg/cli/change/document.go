package change

import (
	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/pkg/api"
)

// Document is what push --json prints.
type Document struct {
	Project   string               `json:"project"`
	Release   int                  `json:"release"`
	Changed   bool                 `json:"changed"`
	Functions []api.FunctionResult `json:"functions"`
	Uploaded  int64                `json:"uploaded_bytes"`
	Timings   Timings              `json:"timings_ms"`
	// Dependencies are where the packages come from.
	Dependencies api.Dependencies `json:"dependencies"`
	Diagnostics  diag.List        `json:"diagnostics"`
}

// Timings is where the time of a push went.
type Timings struct {
	Scan    int64 `json:"scan"`
	Upload  int64 `json:"upload"`
	Layer   int64 `json:"layer"`
	Rollout int64 `json:"rollout"`
	Total   int64 `json:"total"`
}
