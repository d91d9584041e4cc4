package access

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/server/limit"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/store"
)

// everybody is let in by rows that take any key: the number of the key is its length.
type everybody struct{ Rows }

func (everybody) Authenticate(_ context.Context, key string) (store.Actor, error) {
	return store.Actor{KeyID: int64(len(key))}, nil
}

// TestKeysAreLimited asks twice where once is allowed. Another key does not notice.
func TestKeysAreLimited(t *testing.T) {
	p := NewPeople(respond.Responder{Log: slog.New(slog.DiscardHandler)}, everybody{}, nil)
	p.keys = limit.NewRates[int64](0.001, 1)
	in := p.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, c := range []struct {
		key  string
		want int
	}{{"a", http.StatusOK}, {"a", http.StatusTooManyRequests}, {"bb", http.StatusOK}} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/account", nil)
		r.Header.Set("Authorization", "Bearer "+c.key)
		w := httptest.NewRecorder()
		in.ServeHTTP(w, r)
		if again := w.Header().Get("Retry-After"); w.Code != c.want || (again == "") != (c.want == http.StatusOK) {
			t.Errorf("key %s: %d, again after %q, want %d", c.key, w.Code, again, c.want)
		}
		if w.Code != http.StatusOK && !strings.Contains(w.Body.String(), `"busy"`) {
			t.Errorf("key %s: %s", c.key, w.Body)
		}
	}
}
