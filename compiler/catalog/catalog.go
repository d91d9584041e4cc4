// Package catalog is the tables of what a person can choose from: server sizes and
// regions, and the frameworks of web apps.
//
// The first is one JSON file, read here and by Terraform, so that what a person
// may write in fngen.yml and what a machine really has cannot differ.
package catalog

import (
	_ "embed"
	"encoding/json"
)

//go:embed catalog.json
var raw []byte

var table = mustParse(raw)

// Size is one type of server.
type Size struct {
	Name       string  `json:"name"`
	VCPU       int     `json:"vcpu"`
	MemoryMB   int     `json:"memory_mb"`
	DiskGB     int     `json:"disk_gb"`
	TransferGB int     `json:"transfer_gb"`
	USDMonth   float64 `json:"usd_month"`
}

// Region is a place with servers; a Nomad datacenter has the same name.
type Region struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

type catalog struct {
	DefaultSize string   `json:"default_size"`
	Sizes       []Size   `json:"sizes"`
	Regions     []Region `json:"regions"`
}

// Sizes lists every size, smallest first.
func Sizes() []Size { return table.Sizes }

// Regions lists every region that a platform may have.
func Regions() []Region { return table.Regions }

// DefaultSize is the size of the server that a project without fngen.yml gets.
func DefaultSize() string { return table.DefaultSize }

// LookupSize returns the size of that name.
func LookupSize(name string) (Size, bool) {
	for _, s := range table.Sizes {
		if s.Name == name {
			return s, true
		}
	}
	return Size{}, false
}

func mustParse(data []byte) catalog {
	var c catalog
	if err := json.Unmarshal(data, &c); err != nil {
		panic("catalog.json: " + err.Error()) // embedded: broken only by us
	}
	return c
}
