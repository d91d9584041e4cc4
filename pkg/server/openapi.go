package server

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"fngen.dev/fngen/pkg/api"
)

// problemResponse describes every answer that is not a success.
func problemResponse(o *huma.OpenAPI) *huma.Response {
	return &huma.Response{Description: "A problem, RFC 9457", Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: schema[api.Problem](o)},
	}}
}

func schema[T any](o *huma.OpenAPI) *huma.Schema {
	return o.Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

// describeRaw adds the routes that huma does not serve: those that stream, or
// whose bodies are large.
func describeRaw(o *huma.OpenAPI) {
	const project = "/v1/projects/{project}"
	for _, op := range []*huma.Operation{
		{
			OperationID: "destroy-project", Method: http.MethodDelete, Path: project, Summary: "Remove a project and all that belongs to it",
			Responses: responses(o, "200", "application/json", schema[api.Destroyed](o)),
		},
		{
			OperationID: "latest-tree", Method: http.MethodGet, Path: project + "/trees/latest", Summary: "The tree last given, as the base of the next",
			Description: "A zstd stream of the manifest's delta from the empty one. 204 when there is none.",
			Responses:   responses(o, "200", api.ManifestContentType, octets()),
		},
		{
			OperationID: "put-tree", Method: http.MethodPut, Path: project + "/trees/{digest}", Summary: "Send a tree; the answer is what it still lacks",
			Description: "A zstd stream: a varint, the length of the delta; the delta from the manifest of base; for each content that comes along " +
				"a varint, how many files after the one before, and the bytes; 0. What arrives whole is kept even when the rest does not.",
			Parameters:  []*huma.Param{text("path", "digest", "The tree's digest, sha256:<hex>"), text("query", "base", "The digest of a tree that the project has")},
			RequestBody: body(api.TreeContentType, octets()),
			Responses:   responses(o, "200", "application/json", schema[api.Missing](o)),
		},
		{
			OperationID: "send-piece", Method: http.MethodPatch, Path: project + "/uploads/{id}", Summary: "Send a content of more than 8 MiB, or the rest of it",
			Description: "The bytes from offset on, as a zstd stream. The answer is how much is there, with the SHA-256 once that is all. What arrives stays " +
				"for a day, whatever ends the request. 409 when the platform has it to another offset.",
			Parameters: []*huma.Param{
				text("path", "id", "What the sender calls the content: 64 hex digits"),
				text("query", "offset", "Where these bytes begin"), text("query", "size", "How many bytes the content has"),
			},
			RequestBody: body(api.ContentType, octets()),
			Responses:   responses(o, "200", "application/json", schema[api.UploadState](o)),
		},
		{
			OperationID: "push", Method: http.MethodPost, Path: project + "/pushes", Summary: "Make a tree live",
			Description: "No body. The answer is one JSON event a line; the last one has done or failed. Blank lines keep the connection open.",
			Parameters: []*huma.Param{
				text("query", "tree", "The tree's digest, sha256:<hex>"), text("query", "entry", "The one file whose Powers count"),
				text("query", "plan", "The seal of the plan to carry out; without it, whatever the tree means now"),
			},
			Responses: responses(o, "200", "application/x-ndjson", schema[api.Event](o)),
		},
		{
			OperationID: "logs", Method: http.MethodGet, Path: project + "/logs", Summary: "Lines of the project's log, the oldest first",
			Description: "One JSON object a line. With follow it goes on with the lines that come; blank lines keep the connection open.",
			Parameters: []*huma.Param{
				text("query", "power", "Only of one Power"), text("query", "function", "Only of one function"), text("query", "task_id", "Only of one task"),
				text("query", "request_id", "Only of one request"), text("query", "level", "This level or worse"), text("query", "text", "Only lines that hold it"),
				text("query", "since", "RFC 3339"), text("query", "until", "RFC 3339"), text("query", "limit", "How many, the newest; 100 without it"),
				text("query", "follow", "true to go on"),
			},
			Responses: responses(o, "200", "application/x-ndjson", schema[api.LogLine](o)),
		},
		{
			OperationID: "set-variables", Method: http.MethodPatch, Path: project + "/env", Summary: "Set and unset variables, and roll them out",
			Description: "The answer is a stream as that of a push. No answer of the platform holds a value.",
			RequestBody: body("application/json", schema[api.SetVariables](o)),
			Responses:   responses(o, "200", "application/x-ndjson", schema[api.Event](o)),
		},
		{
			OperationID: "rollback", Method: http.MethodPost, Path: project + "/rollbacks", Summary: "Make an earlier release live again",
			Parameters:  []*huma.Param{text("query", "release", "Its number; without it, the last one before the live one")},
			Description: "The answer is a stream as that of a push.",
			Responses:   responses(o, "200", "application/x-ndjson", schema[api.Event](o)),
		},
		{
			OperationID: "release-events", Method: http.MethodGet, Path: project + "/releases/{release}/events", Summary: "What happened while a release was brought up",
			Parameters: []*huma.Param{
				text("path", "release", "Its number"),
				text("query", "follow", "\"true\" goes on with what happens until it is live or failed, whichever control plane brings it up"),
			},
			Description: "The answer is a stream as that of a push. What is kept of a release is bounded, and goes with its code.",
			Responses:   responses(o, "200", "application/x-ndjson", schema[api.Event](o)),
		},
	} {
		op.Parameters = append([]*huma.Param{text("path", "project", "The project's name")}, op.Parameters...)
		o.AddOperation(op)
	}
	// huma describes its own error with each route, though none answers with it.
	delete(o.Components.Schemas.Map(), "ErrorModel")
	delete(o.Components.Schemas.Map(), "ErrorDetail")
}

func text(in, name, description string) *huma.Param {
	required := in == "path" || name == "tree" || name == "offset" || name == "size"
	return &huma.Param{Name: name, In: in, Required: required, Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
}

func body(contentType string, s *huma.Schema) *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{contentType: {Schema: s}}}
}

func octets() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "binary"} }

func responses(o *huma.OpenAPI, status, contentType string, s *huma.Schema) map[string]*huma.Response {
	ok := &huma.Response{Description: "Done"}
	if s != nil {
		ok.Content = map[string]*huma.MediaType{contentType: {Schema: s}}
	}
	return map[string]*huma.Response{status: ok, "default": problemResponse(o)}
}
