package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/term"
)

// TestFollowOverALostConnection shows each line once, with those that came while there
// was no connection.
func TestFollowOverALostConnection(t *testing.T) {
	begin := time.Now().UTC().Truncate(time.Millisecond)
	line := func(i int) api.LogLine {
		return api.LogLine{Time: begin.Add(time.Duration(i) * time.Millisecond), Level: "INFO", Message: "line " + strconv.Itoa(i)}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	asked := 0
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		q := r.URL.Query()
		out := json.NewEncoder(w)
		switch asked {
		case 1:
			_ = out.Encode(line(0))
			_ = out.Encode(line(1))
		case 2:
			since, err := time.Parse(time.RFC3339Nano, q.Get("since"))
			if err != nil || since.After(begin) || q.Get("limit") != "0" || q.Get("follow") != "true" {
				t.Errorf("it goes on by %s", r.URL.RawQuery)
			}
			for i := range 3 { // two of them again
				_ = out.Encode(line(i))
			}
		default:
			cancel()
		}
	}))
	defer ts.Close()
	client, err := api.NewClient(ts.URL, "", "", "test")
	if err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	l := &logReader{
		app: &app{Env: Env{IO: &term.IO{Out: &out, Err: &said}}}, client: client, project: "shop", q: api.LogQuery{Follow: true, Limit: 10},
	}
	if err := l.read(ctx); err == nil {
		t.Error("it ended by itself")
	}
	for i := range 3 {
		if n := strings.Count(out.String(), "line "+strconv.Itoa(i)+"\n"); n != 1 {
			t.Errorf("line %d is shown %d times:\n%s", i, n, out.String())
		}
	}
}
