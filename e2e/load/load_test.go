package load

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// app is what App does, with the faults that a test asks for. It counts the
// requests of each path, so that a fault can come now and then.
type faulty struct {
	fault string
	count atomic.Int64
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bad := f.count.Add(1)%3 == 0
	w.Header().Set("Fngen-Release", "7")
	switch r.URL.Path {
	case "/":
		fmt.Fprint(w, `{"version":1}`)
	case "/echo":
		body, _ := io.ReadAll(r.Body)
		bad = bad && r.ProtoMajor == 1
		switch {
		case bad && f.fault == "status":
			w.WriteHeader(http.StatusBadGateway)
		case bad && f.fault == "body":
			body = append(body, 'x')
		case bad && f.fault == "reset":
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(body)
	case "/stream":
		f.stream(w)
	case "/ws":
		f.socket(w, r)
	}
}

func (f *faulty) stream(w http.ResponseWriter) {
	for i := range streamChunks {
		switch {
		case f.fault == "other version" && i == 10:
			fmt.Fprintf(w, "2 chunk %d\n", i)
		case f.fault == "short" && i == 19:
			return
		case f.fault == "broken" && i == 10:
			panic(http.ErrAbortHandler)
		default:
			fmt.Fprintf(w, "1 chunk %d\n", i)
		}
		w.(http.Flusher).Flush()
	}
}

// socket closes after three messages.
func (f *faulty) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for range 3 {
		kind, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if f.fault == "other message" {
			text = append(text, 'x')
		}
		if err := conn.WriteMessage(kind, text); err != nil {
			return
		}
	}
	switch f.fault {
	case "going away":
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	case "cut":
	default:
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseServiceRestart, ""), time.Now().Add(time.Second))
	}
}

// TestFailures holds that each fault of an app shows as failures of the right
// kind, and that an app without one shows none.
func TestFailures(t *testing.T) {
	for _, c := range []struct{ fault, kind, says string }{
		{"", "", ""},
		{"status", "POST over HTTP/1.1", "status 502"},
		{"body", "POST over HTTP/1.1", "others back"},
		{"reset", "POST over HTTP/1.1", "EOF"},
		{"other version", "stream of 5 s", `in a stream of version "1"`},
		{"short", "stream of 5 s", "ended after 19 of 20 chunks"},
		{"broken", "stream of 5 s", "broken off after 10 of 20 chunks"},
		{"other message", "WebSocket message", `and got "message 1x" back`},
		{"going away", "WebSocket message", "1001"},
		{"cut", "WebSocket message", "1006"},
	} {
		t.Run("fault "+c.fault, func(t *testing.T) {
			t.Parallel()
			// The fault comes now and then: it is waited for.
			report := run(t, &faulty{fault: c.fault}, func(r Report) bool {
				return enough(r) && (c.kind == "" || slices.ContainsFunc(r.Kinds, func(k Count) bool { return k.Kind == c.kind && k.Failed > 0 }))
			})
			for _, k := range report.Kinds {
				if want := k.Kind == c.kind; want != (k.Failed > 0) {
					t.Errorf("of %d %s requests %d failed", k.Sent, k.Kind, k.Failed)
				}
			}
			if c.kind != "" && !strings.Contains(fmt.Sprint(report.Failures), c.says) {
				t.Errorf("no failure says %q", c.says)
			}
			if (report.Last > 0) != (c.kind != "") {
				t.Errorf("the last failure was known after %s", report.Last)
			}
			if report.Releases["7"] == 0 || len(report.Releases) != 1 {
				t.Errorf("releases %v", report.Releases)
			}
			if t.Failed() {
				t.Logf("\n%s", report)
			}
		})
	}
}

// TestAgain holds that what a client does by itself is counted.
func TestAgain(t *testing.T) {
	report := run(t, &faulty{}, func(r Report) bool { return r.Kinds[5].Again >= 2 })
	if report.Failed() > 0 {
		t.Errorf("\n%s", report)
	}
}

// enough is when each kind was asked often enough for a fault to show.
func enough(r Report) bool {
	for _, k := range r.Kinds {
		if k.Sent < 5 && !strings.HasPrefix(k.Kind, "stream") || k.Sent < 2 {
			return false
		}
	}
	return true
}

// run puts load on a server until its report is what a test waits for.
func run(t *testing.T, app http.Handler, until func(Report) bool) Report {
	t.Helper()
	server := httptest.NewUnstartedServer(app)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	l := Start(t.Context(), Target{server.URL, server.Client().Transport.(*http.Transport)}, Everything()...)
	for deadline := time.Now().Add(3 * time.Minute); !until(l.Now()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never:\n%s", l.Now())
		}
	}
	return l.Stop()
}
