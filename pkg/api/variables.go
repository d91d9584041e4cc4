package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Value is the value of a variable on its way to the platform. It prints as
// [redacted]; only JSON has it as it is.
type Value string

const redacted = "[redacted]"

// Format covers every verb of fmt.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue covers slog.
func (Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// Reveal returns the value. Each call is a place to look at in review.
func (v Value) Reveal() string { return string(v) }

// SetVariables changes the variables of a project. PATCH
// /v1/projects/{project}/env. The answer is a stream as that of a push: unless
// NoRollout is set, what is live is rolled out with the new ones.
type SetVariables struct {
	Set   map[string]Value `json:"set,omitempty"`
	Unset []string         `json:"unset,omitempty"`
	// NoRollout leaves what runs as it is: the next push takes them.
	NoRollout bool `json:"no_rollout,omitempty"`
	// Newest builds on the newest version also where a rollback, or a rollout that
	// failed, has gone back from it.
	Newest bool `json:"newest,omitempty"`
	// Base, unless it is nil, is the version that the caller has seen. When it is
	// another one by now the answer is the problem "drifted".
	Base *int `json:"base,omitempty"`
}

// Limits of variables. What all values take is counted as JSON.
const (
	MaxVariables      = 1000
	MaxVariableName   = 256
	MaxValueBytes     = 64 << 10
	MaxVariablesBytes = 512 << 10
)

// MaxVariablesBody bounds the request: what all values take, and the names.
const MaxVariablesBody = 4 * MaxVariablesBytes

// ValueBytes is what a variable takes where it is kept: as JSON, with <, > and &
// escaped.
func ValueBytes(name, value string) int {
	text, err := json.Marshal(map[string]string{name: value})
	if err != nil {
		return MaxVariablesBytes + 1 // not UTF-8, which is refused in any case
	}
	return len(text)
}

// VariablesResult is what became of them: with the names, never a value.
type VariablesResult struct {
	Version int `json:"version"`
	// Added, Changed and Removed are sorted. Nobody knows whether a changed one has
	// another value than before: no value is read.
	Added   []string `json:"added"`
	Changed []string `json:"changed"`
	Removed []string `json:"removed"`
	// RolledOut is false when the next push takes them.
	RolledOut bool `json:"rolled_out"`
}

// Variables are the names of a project's variables. GET /v1/projects/{project}/env.
type Variables struct {
	Project string `json:"project"`
	// Version is the one that a push takes, Live the one that runs; 0 for none.
	Version   int        `json:"version"`
	Live      int        `json:"live"`
	Variables []Variable `json:"variables"`
	// Missing are names without which the live code fails.
	Missing []EnvUse `json:"missing"`
}

// Variable is one of them.
type Variable struct {
	Name string `json:"name"`
	// Version is the one in which it got its value, SetAt and SetBy when and by whom.
	Version int       `json:"version"`
	SetAt   time.Time `json:"set_at"`
	SetBy   string    `json:"set_by"`
	// Reads are places of the live code that use it by its name.
	Reads []VariableRead `json:"reads"`
}

// VariableRead is a place, and the functions of whose code it is.
type VariableRead struct {
	Functions []string `json:"functions"`
	File      string   `json:"file"`
	Line      int      `json:"line"`
}

// Variables lists the names of a project's variables.
func (c *Client) Variables(ctx context.Context, project string) (Variables, error) {
	return call[Variables](ctx, c, http.MethodGet, projectPath(project)+"/env", nil)
}

// SetVariables changes variables. Its stream is that of a push.
func (c *Client) SetVariables(ctx context.Context, project string, req SetVariables) (*PushStream, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return nil, errors.New("encode variables") // what is wrong with it might show them
	}
	resp, err := c.do(ctx, http.MethodPatch, projectPath(project)+"/env", "application/json", func() io.Reader { return strings.NewReader(string(body)) }, false) //nolint:bodyclose // PushStream.Close does
	if err != nil {
		return nil, err
	}
	return &PushStream{body: resp.Body, decoder: json.NewDecoder(resp.Body)}, nil
}
