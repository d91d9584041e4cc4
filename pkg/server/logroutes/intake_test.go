package logroutes

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"fngen.dev/fngen/pkg/logs"
)

// FuzzReadEntries reads bodies of any kind.
func FuzzReadEntries(f *testing.F) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(z.EncodeAll([]byte(`{"ts":1,"message":"x","access":{"status":1}}`+"\n"), nil), true)
	f.Add([]byte(`{"ts":1,"message":"\ud800"}`), false)
	f.Fuzz(func(t *testing.T, body []byte, whole bool) {
		if !whole {
			body = z.EncodeAll(body, nil)
		}
		entries, err := readEntries(bytes.NewReader(body), time.Now())
		for _, e := range entries {
			if _, failed := json.Marshal(e); err == nil && (failed != nil || !logs.ValidLevel(e.Level) || e.Time <= 0) {
				t.Errorf("%+v", e)
			}
		}
	})
}
