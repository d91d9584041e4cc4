package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	secret := newKey()
	holder := struct {
		Secret Secret
		Ptr    *Secret
	}{secret, &secret}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb, secret)
		fmt.Fprintf(&out, verb, &secret)
		fmt.Fprintf(&out, verb, holder)
	}
	text, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("key", "secret", secret, "holder", holder)
	}
	hidden := fmt.Sprintf("%x", secret.Reveal())
	if s := out.String(); strings.Contains(s, secret.Reveal()) || strings.Contains(strings.ToLower(s), hidden) {
		t.Errorf("the secret is in:\n%s", s)
	}
}
