// Package fleet reads the description of the simulated servers, such as
// "us-west:s*2,us-west:xl,eu-central:m".
package fleet

import (
	"fmt"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/catalog"
)

// Default is the fleet of a cluster that says nothing else.
const Default = "us-west:s*2,us-west:xl,eu-central:m"

// Max is how many servers one machine can stand for: each has an address in
// 127.0.10.0/24.
const Max = 254

// Node is one simulated server.
type Node struct {
	// N counts from 1 and decides the address and the directory.
	N      int
	Region string
	Size   catalog.Size
}

// Name is the node's name in Nomad and Consul.
func (n Node) Name() string { return fmt.Sprintf("%s-%s-%d", n.Region, n.Size.Name, n.N) }

// Parse reads a list of region:size or region:size*count.
func Parse(text string) ([]Node, error) {
	var nodes []Node
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		region, size, count, err := parseItem(item)
		if err != nil {
			return nil, fmt.Errorf("FNGEN_FLEET %q: %q: %w", text, item, err)
		}
		if len(nodes)+count > Max {
			return nil, fmt.Errorf("FNGEN_FLEET %q: more than %d servers", text, Max)
		}
		for range count {
			nodes = append(nodes, Node{N: len(nodes) + 1, Region: region, Size: size})
		}
	}
	return nodes, nil
}

func parseItem(item string) (region string, size catalog.Size, count int, err error) {
	region, rest, ok := strings.Cut(item, ":")
	if !ok {
		return "", size, 0, fmt.Errorf("want region:size or region:size*count")
	}
	if !knownRegion(region) {
		return "", size, 0, fmt.Errorf("unknown region %q (known: %s)", region, regions())
	}
	name, times, repeated := strings.Cut(rest, "*")
	size, ok = catalog.LookupSize(name)
	if !ok {
		return "", size, 0, fmt.Errorf("unknown size %q (known: %s)", name, sizes())
	}
	if !repeated {
		return region, size, 1, nil
	}
	count, err = strconv.Atoi(times)
	if err != nil || count < 1 || count > Max {
		return "", size, 0, fmt.Errorf("count %q is not a number from 1 to %d", times, Max)
	}
	return region, size, count, nil
}

func knownRegion(name string) bool {
	for _, r := range catalog.Regions() {
		if r.Name == name {
			return true
		}
	}
	return false
}

func regions() string {
	var names []string
	for _, r := range catalog.Regions() {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

func sizes() string {
	var names []string
	for _, s := range catalog.Sizes() {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}
