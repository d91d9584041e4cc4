package build

import (
	"math"
	"testing"
)

func TestFits(t *testing.T) {
	for _, c := range []struct {
		installed, pinned string
		want              bool
	}{
		{"1.11.1", "v1.11.1", true},
		{"1.11.3", "v1.11.1", true},
		{"1.11.0", "v1.11.1", false},
		{"1.12.1", "v1.11.1", false},
		{"2.11.1", "v1.11.1", false},
		{"1.11.2-rc.1", "v1.11.1", false},
		{"", "v1.11.1", false},
		{"dev", "v1.11.1", false},
	} {
		if got := Fits(c.installed, c.pinned); got != c.want {
			t.Errorf("Fits(%q, %q) = %t", c.installed, c.pinned, got)
		}
	}
}

func TestVersionOutputs(t *testing.T) {
	for out, want := range map[string]string{
		"Nomad v1.11.1\nBuildDate 2025":                   "1.11.1",
		"Consul v1.20.6\nRevision abc":                    "1.20.6",
		"Vault v1.21.1 (2453aac2), built 2025-11-18":      "1.21.1",
		"Version:      3.5.3\nCodename:     chabichou":    "3.5.3",
		"loki, version 3.7.8 (branch: main, revision: 1)": "3.7.8",
		"loki, version  (branch: , revision: unknown)":    "",
	} {
		got := ""
		if m := versionPattern.FindStringSubmatch(out); m != nil {
			got = m[1]
		}
		if got != want {
			t.Errorf("version of %q = %q, want %q", out, got, want)
		}
	}
}

func TestParsePin(t *testing.T) {
	const mod = `module x
go 1.26
tool example.com/server/v3/cmd/server
require (
	example.com/server/api v0.1.0 // indirect
	example.com/server/v3 v3.5.3 // indirect
	example.com/serv v1.9.9 // indirect
)
`
	pin, err := parsePin("go.mod", []byte(mod))
	if err != nil {
		t.Fatal(err)
	}
	if pin.Version != "v3.5.3" || pin.Package != "example.com/server/v3/cmd/server" {
		t.Errorf("parsePin = %+v", pin)
	}
	if _, err := parsePin("go.mod", []byte("module x\ntool example.com/none\n")); err == nil {
		t.Error("a tool without a module was taken")
	}
}

func TestMinutes(t *testing.T) {
	all := Tools()
	two, eight := Minutes(all, 2), Minutes(all, 8)
	if math.Abs(two-16) > 0.01 { // 32 CPU minutes on two cores
		t.Errorf("on 2 cores: %.1f minutes", two)
	}
	if eight >= two || eight < all[len(all)-1].CPUMinutes/4 {
		t.Errorf("on 8 cores: %.1f minutes, on 2: %.1f", eight, two)
	}
	if Minutes(nil, 2) != 0 {
		t.Error("nothing to build takes time")
	}
}
