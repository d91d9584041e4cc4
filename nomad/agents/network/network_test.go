//go:build linux

package network

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"

	"fngen.dev/fngen/nomad/agents"
)

func TestTry(t *testing.T) {
	n := At("/tmp/net1/state", agents.AllocationNetwork{Addresses: netip.MustParsePrefix("198.19.16.0/20"), MTU: 1400,
		Doors: []agents.Door{{"tcp", 443, netip.MustParseAddrPort("127.0.0.1:443")}}, Refused: []netip.Prefix{LinkLocal}})
	var err error
	switch os.Getenv("DO") {
	case "apply":
		err = n.Apply(context.Background())
	case "remove":
		err = n.Remove(context.Background())
	case "clear":
		ids, e := n.Holders()
		fmt.Println(ids, e)
		err = n.Clear(context.Background(), ids)
	}
	if err != nil {
		t.Fatal(err)
	}
}
