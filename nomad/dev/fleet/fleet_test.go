package fleet

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	nodes, err := Parse(Default)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name())
	}
	want := "us-west-s-1 us-west-s-2 us-west-xl-3 eu-central-m-4"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("Parse(%q) = %s, want %s", Default, got, want)
	}
	if nodes[2].Size.MemoryMB != 4096 {
		t.Errorf("xl has %d MB", nodes[2].Size.MemoryMB)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "want region:size",
		"us-west":                    "want region:size",
		"us-west:s,":                 "want region:size",
		"mars:s":                     `unknown region "mars" (known: us-west`,
		"us-west:huge":               `unknown size "huge" (known: xs, s, m`,
		"us-west:s*0":                `count "0" is not a number from 1 to 254`,
		"us-west:s*two":              `count "two" is not a number`,
		"us-west:s*-1":               `count "-1"`,
		"us-west:s*200,us-west:s*55": "more than 254 servers",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "FNGEN_FLEET") {
			t.Errorf("Parse(%q) = %v, want an error with %q", text, err, want)
		}
	}
}
