package nomad

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestNotFound holds which answers of Nomad mean that something does not exist, by
// the status and the words that Nomad 1.11 answers with.
func TestNotFound(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		text    string
		stopped bool
		deleted bool
	}{
		{"the job does not exist", http.StatusNotFound, "job not found", true, true},
		{"the token does not exist", http.StatusForbidden, "ACL token not found", false, false},
		{"a server does not know the token", http.StatusInternalServerError, "rpc error: ACL token not found", false, false},
		{"a server fails", http.StatusInternalServerError, "1 error occurred: something is wrong", false, false},
		{"the namespace does not exist", http.StatusInternalServerError, "namespace not found", true, true},
	} {
		ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, c.text, c.status)
		}))
		client, err := New(ts.URL, "token")
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Stop(t.Context(), "shop", "web-a"); (err == nil) != c.stopped {
			t.Errorf("%s: stop gives %v", c.name, err)
		}
		if err := client.DeleteNamespace(t.Context(), "shop"); (err == nil) != c.deleted {
			t.Errorf("%s: delete namespace gives %v", c.name, err)
		}
		ts.Close()
	}
}
