package server

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"fngen.dev/fngen/compiler/source"
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
			OperationID: "offer-tree", Method: http.MethodPost, Path: project + "/trees", Summary: "Offer a tree; the answer is what it lacks",
			RequestBody: body("application/json", schema[source.Manifest](o)),
			Responses:   responses(o, "200", "application/json", schema[api.Missing](o)),
		},
		{
			OperationID: "put-blobs", Method: http.MethodPut, Path: project + "/trees/{digest}/blobs", Summary: "Send contents that a tree lacks",
			Description: "A zstd stream of blobs: 64 hex digits of SHA-256, a space, 16 hex digits of size, a newline, the bytes.",
			RequestBody: body(api.BlobsContentType, binary()),
			Responses:   responses(o, "204", "", nil),
		},
		{
			OperationID: "push", Method: http.MethodPost, Path: project + "/pushes", Summary: "Make a tree live",
			Description: "The answer is one JSON event a line; the last one has done or failed. Blank lines keep the connection open.",
			RequestBody: body("application/json", schema[api.PushRequest](o)),
			Responses:   responses(o, "200", "application/x-ndjson", schema[api.Event](o)),
		},
		{
			OperationID: "plan", Method: http.MethodPost, Path: project + "/plans", Summary: "Tell what a push would do",
			Description: "Nothing of the tree is sent but its digest, and nothing is changed.",
			RequestBody: body("application/json", schema[api.PlanRequest](o)),
			Responses:   responses(o, "200", "application/json", schema[api.Plan](o)),
		},
		{
			OperationID: "rollback", Method: http.MethodPost, Path: project + "/rollbacks", Summary: "Make an earlier release live again",
			Description: "The answer is a stream as that of a push.",
			RequestBody: body("application/json", schema[api.RollbackRequest](o)),
			Responses:   responses(o, "200", "application/x-ndjson", schema[api.Event](o)),
		},
	} {
		op.Parameters = parameters(op.Path)
		o.AddOperation(op)
	}
	// huma describes its own error with each route, though none answers with it.
	delete(o.Components.Schemas.Map(), "ErrorModel")
	delete(o.Components.Schemas.Map(), "ErrorDetail")
}

func parameters(path string) []*huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	out := []*huma.Param{{Name: "project", In: "path", Required: true, Description: "The project's name", Schema: text}}
	if path == "/v1/projects/{project}/trees/{digest}/blobs" {
		out = append(out, &huma.Param{Name: "digest", In: "path", Required: true, Description: "The tree's digest, sha256:<hex>", Schema: text})
	}
	return out
}

func body(contentType string, s *huma.Schema) *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{contentType: {Schema: s}}}
}

func binary() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "binary"} }

func responses(o *huma.OpenAPI, status, contentType string, s *huma.Schema) map[string]*huma.Response {
	ok := &huma.Response{Description: "Done"}
	if s != nil {
		ok.Content = map[string]*huma.MediaType{contentType: {Schema: s}}
	}
	return map[string]*huma.Response{status: ok, "default": problemResponse(o)}
}
