package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fngen.dev/fngen/nomad/dev/layout"
)

// refusalTime is how long a version that could not be had is not asked for again.
const refusalTime = 24 * time.Hour

// refusals remember which Pythons could not be had, for one setting and one place
// to get them from: without that, each make up would wait for the same refusal.
type refusals struct {
	file string
	At   time.Time
	// Reasons by version, such as "3.12".
	Reasons map[string]string
}

// mirrors say to uv where Pythons are. It reads them from the environment, or from
// its own configuration.
var mirrors = []string{"UV_PYTHON_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL"}

// trusted are where certificates and proxies may be set beside what uv has in passed.
var trusted = []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "PIP_PROXY"}

// recall reads what is known for these settings, if it is of today.
func recall(l layout.Layout, w Wanted) refusals {
	r := refusals{file: filepath.Join(l.Cache, "pythons-refused-"+refusalKey(w)+".json")}
	raw, err := os.ReadFile(r.file)
	if err != nil || json.Unmarshal(raw, &r) != nil || r.Reasons == nil || time.Since(r.At) > refusalTime || localMirror() {
		r.Reasons = map[string]string{} // if need be, it is found out again
	}
	return r
}

// keep writes what is known.
func (r refusals) keep() error {
	if len(r.Reasons) == 0 || localMirror() {
		return nil
	}
	r.At = time.Now()
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode refusals: %w", err)
	}
	return replaceFile(r.file, raw, 0o644)
}

// refusalKey changes with everything that may turn a refusal into a success.
func refusalKey(w Wanted) string {
	h := sha256.New()
	fmt.Fprintln(h, UVVersion, w.minors)
	for _, name := range slices.Concat(mirrors, passed, trusted) {
		fmt.Fprintf(h, "%s=%q\n", name, os.Getenv(name))
	}
	for _, file := range []string{os.Getenv("UV_CONFIG_FILE"), filepath.Join(os.Getenv("HOME"), ".config", "uv", "uv.toml"), "/etc/uv/uv.toml"} {
		raw, _ := os.ReadFile(file) // not there: empty
		fmt.Fprintf(h, "%x\n", sha256.Sum256(raw))
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// localMirror: what is not in a directory of this machine may be there in a moment,
// and to look costs nothing.
func localMirror() bool {
	for _, name := range mirrors {
		if v := os.Getenv(name); v != "" && (!strings.Contains(v, "://") || strings.HasPrefix(v, "file://")) {
			return true
		}
	}
	return false
}
