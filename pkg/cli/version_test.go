package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
)

// TestVersionCheck says whether program and platform fit, by exit code, text and JSON.
func TestVersionCheck(t *testing.T) {
	for platform, want := range map[string]struct {
		code         int
		fits, newer  bool
		stderr, help string
	}{
		api.Version:        {0, true, false, "", ""},
		"1.0.1":            {0, true, true, "They fit. The platform is newer: pip install --upgrade 'fngen>=1.0.1'\n", ""},
		"1.12.0":           {0, true, true, "'fngen>=1.12.0'", ""},
		"1.0.0rc1":         {0, true, false, "", ""},
		"2.0.0":            {1, false, true, `error: fngen 1.0.0 does not fit the platform, which is "2.0.0"`, "pip install 'fngen==2.*'"},
		"0.9.20":           {1, false, false, `does not fit the platform, which is "0.9.20"`, "pip install 'fngen==0.*'"},
		"":                 {1, false, false, `does not fit the platform, which is ""`, "is FNGEN_API_URL"},
		"1.0.0; rm -rf ~/": {1, false, false, "does not fit", "is FNGEN_API_URL"},
	} {
		t.Run(platform, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(api.Platform{Version: platform})
			}))
			defer web.Close()
			code, stdout, stderr := run(t.Context(), web.URL, "version", "--check")
			if first := "fngen " + api.Version + " (go"; code != want.code || !strings.HasPrefix(stdout, first) || !strings.Contains(stdout, "\nplatform "+platform+" ("+web.URL+")\n") {
				t.Errorf("exit code %d, stdout %q", code, stdout)
			}
			if !strings.Contains(stderr, want.stderr) || !strings.Contains(stderr, want.help) || want.stderr == "" && stderr != "" {
				t.Errorf("stderr %q", stderr)
			}
			code, stdout, _ = run(t.Context(), web.URL, "version", "--check", "--json")
			var got versionCheck
			if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != want.code || got.Fits != want.fits || (got.Newer != nil) != want.newer ||
				got.Version != api.Version || got.Platform.Version != platform || got.Platform.URL != web.URL {
				t.Errorf("exit code %d, %+v, %v", code, got, err)
			}
		})
	}
}

// TestVersionCheckRefused is that of a key which the platform does not know, and of no
// platform.
func TestVersionCheckRefused(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }))
	defer web.Close()
	if code, stdout, _ := run(t.Context(), web.URL, "version", "--check"); code != 4 || stdout != "" {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
	if code, _, stderr := run(t.Context(), "http://127.0.0.1:1", "version", "--check"); code != 1 || !strings.Contains(stderr, "cannot reach the platform") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}
