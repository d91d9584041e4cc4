package secrets

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.UUID("token")
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("UUID = %q, %v", id, err)
	}
	if again, _ := s.UUID("token"); again != id {
		t.Error("a secret changed by being read")
	}
	if missing, err := s.Get("missing"); missing != "" || err != nil {
		t.Errorf("Get(missing) = %q, %v", missing, err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "token"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("mode of %s: %v, %v", path, info.Mode(), err)
		}
	}
}
