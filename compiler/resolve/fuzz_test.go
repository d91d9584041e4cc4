package resolve

import (
	"net/url"
	"testing"
	"time"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

// FuzzTimeout compares with Go's own durations, of which ours are a part, and
// reads back what is shown to people.
func FuzzTimeout(f *testing.F) {
	for _, s := range []string{"15m", "90s", "1h30m", "2h2h", "0s", "007m", "999999999h", "1.5h", "1d", "", "s", "15", "15 m", "٣m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		seconds, ok := secondsOf(literal.Value{Kind: literal.Str, Str: text})
		if !ok {
			return
		}
		d, err := time.ParseDuration(text)
		if within := seconds <= int64(maxTimeout); within && (err != nil || d != time.Duration(seconds)*time.Second) {
			t.Errorf("%q is %d seconds to us, %s to Go: %v", text, seconds, d, err)
		}
		if seconds > int64(maxTimeout) {
			return
		}
		again, ok := secondsOf(literal.Value{Kind: literal.Str, Str: ir.Seconds(seconds).String()})
		if !ok || again != seconds {
			t.Errorf("%q is %d seconds, and %q is %d", text, seconds, ir.Seconds(seconds), again)
		}
	})
}

// FuzzHostName holds that a host name is in one form only, and that it is the host
// of the URL that one would write with it.
func FuzzHostName(f *testing.F) {
	for _, s := range []string{"Shop.example.com", "bücher.example", "xn--bcher-kva.example", "r3---sn.a.b", "faß.de", "a。b.c", "हिन्दी.example", "אבג.example", "a.1", "1.2.3.4", "xn--a.b", "a\u00adb.c", "٣.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		host, ok := hostName(text)
		if !ok {
			return
		}
		if again, ok := hostName(host); !ok || again != host {
			t.Errorf("%q is %q, and that is %q, %v", text, host, again, ok)
		}
		if u, err := url.Parse("https://" + host + "/"); err != nil || u.Hostname() != host || u.Port() != "" {
			t.Errorf("%q gives the URL %v, %v", host, u, err)
		}
	})
}
