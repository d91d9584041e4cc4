package store

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a value that prints as [redacted] in every format, log and JSON.
type Secret struct{ value string }

// Reveal returns the value. Each call is a place to look at in review.
func (s Secret) Reveal() string { return s.value }

// Format covers every verb of fmt, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String and MarshalText cover what does not go through fmt: JSON, YAML, text.
func (s Secret) String() string               { return redacted }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue covers slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
