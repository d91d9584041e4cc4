package api

// LargeBytes is the size over which a content does not travel in a tree stream:
// it is sent by itself, and goes on where it broke off.
//
//	POST  /v1/projects/{project}/uploads   which are to be sent: how much of each is there
//	PATCH /v1/projects/{project}/uploads/{id}?offset=N&size=M   the bytes from N on, a zstd stream
const LargeBytes = 8 << 20

// ContentType is the body of PATCH /v1/projects/{project}/uploads/{id}.
const ContentType = "application/zstd"

// Uploads is the body of POST /v1/projects/{project}/uploads. It changes nothing;
// its refusal, for lack of room, comes before anything is sent.
type Uploads struct {
	Contents []UploadOf `json:"contents" maxItems:"1000"`
	// More is how many bytes the smaller contents have that will be sent.
	More int64 `json:"more,omitempty" minimum:"0"`
}

// UploadOf is a content that is to be sent.
type UploadOf struct {
	// ID is a name of the sender's choice, 64 hex digits, the same whenever the
	// content is the same.
	ID   string `json:"id"`
	Size int64  `json:"size"`
	// SHA256 is the content's digest where the sender knows it.
	SHA256 string `json:"sha256,omitempty"`
}

// UploadState is how much of a content is there.
type UploadState struct {
	Offset int64 `json:"offset"`
	// SHA256 is the content's digest, once it is there whole.
	SHA256 string `json:"sha256,omitempty"`
}

// UploadStates is the answer to Uploads, in the same order.
type UploadStates struct {
	Contents []UploadState `json:"contents"`
}
