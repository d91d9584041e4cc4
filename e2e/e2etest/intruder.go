package e2etest

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
)

// intruder is a program of a tenant that tries what it must not be able to do, and
// says of each attempt how it ended.
//
//go:embed intruder.py
var intruder string

// AttackRoute adds the attack to an application of FastAPI.
const AttackRoute = `

@app.get("/attack")
def attack():
    import intruder
    return intruder.attack("app")
`

// WriteIntruder writes the module of attacks, and returns the file of the host that
// it wants to be written.
func (p Project) WriteIntruder(t *testing.T) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), "chosen")
	p.Write(t, "intruder.py", strings.ReplaceAll(intruder, "TARGET", target))
	return target
}

// Attack has the application attack, and returns how each attempt ended.
func (p Project) Attack(t *testing.T) map[string]string {
	t.Helper()
	var tried map[string]string
	p.Get(t, "/attack", nil, &tried)
	return tried
}

// Refused holds that every attempt was refused.
func Refused(t *testing.T, tried map[string]string) {
	t.Helper()
	if len(tried) < 15 {
		t.Errorf("only %d attempts", len(tried))
	}
	for what, got := range tried {
		if !strings.HasPrefix(got, "refused") {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// KeepsIdentity wants the identity of an instance to be written by Nomad where only
// root reads it.
func KeepsIdentity(t *testing.T, a *nomad.AllocationListStub) {
	t.Helper()
	found, err := filepath.Glob(InCheckout(t, ".dev/data/nodes", a.NodeName, "*/alloc", a.ID, "app/secrets/nomad_fngen.jwt"))
	check(t, err)
	if len(found) != 1 {
		t.Fatalf("%d identities", len(found))
	}
	info, err := os.Lstat(found[0])
	check(t, err)
	if !info.Mode().IsRegular() || info.Size() == 0 {
		t.Errorf("the identity is %v of %d bytes", info.Mode(), info.Size())
	}
}
