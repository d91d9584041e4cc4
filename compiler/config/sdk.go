package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/literal"
)

// SDK is the package of fngen itself. The platform installs its own and no other,
// whoever asks for it: an index has an earlier program of that name.
const SDK = "fngen"

// otherSDK warns of a requirement that the platform's own does not fit. A name or
// a path says nothing of a version; a URL does.
func (r *requirements) otherSDK(at literal.Place, req requirement) {
	if normalName(req.name) != SDK {
		return
	}
	asked := SDK + strings.Join(req.specifiers, ",")
	if req.url != "" {
		asked = SDK + " @ " + mask(req.url)
	}
	if req.url == "" && fits(ir.SDKVersion, req.specifiers) {
		return
	}
	r.warn("FN1139", at, fmt.Sprintf("%q is not followed: the platform has its own %s, %s", asked, SDK, ir.SDKVersion),
		fmt.Sprintf("write `%s` alone, or with versions that %s is one of", SDK, ir.SDKVersion))
}

// lockedSDK warns of another version in a lock file than the platform's, when it is
// from an index.
func (r *requirements) lockedSDK(p *tomlValue) {
	if v := p.text("version"); p.get("source", "registry") != nil && v.Value != "" {
		r.otherSDK(v.Place, requirement{name: SDK, specifiers: []string{"==" + v.Value}})
	}
}

// fits judges a version of three numbers. What it cannot judge fits.
func fits(version string, specifiers []string) bool {
	for _, s := range specifiers {
		s = strings.ReplaceAll(strings.ReplaceAll(s, " ", ""), "\t", "")
		if exact, ok := strings.CutPrefix(s, "==="); ok {
			if exact != version {
				return false
			}
			continue
		}
		if m := simpleSpecifier.FindStringSubmatch(s); m != nil && !compares(version, m[1], m[2]) {
			return false
		}
	}
	return true
}

// compares tells whether version stands in the relation op to a bound such as
// "1.0" or "1.*".
func compares(version, op, bound string) bool {
	bound, anyMore := strings.CutSuffix(bound, ".*")
	have, want := numbers(version), numbers(bound)
	begins := len(want) <= len(have) && slices.Equal(have[:len(want)], want)
	for len(want) < len(have) {
		want = append(want, 0)
	}
	for len(have) < len(want) {
		have = append(have, 0)
	}
	order := slices.CompareFunc(have, want, cmp.Compare[int])
	switch op {
	case "==":
		return order == 0 || anyMore && begins
	case "!=":
		return order != 0 && !(anyMore && begins)
	case "<=":
		return order <= 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "~=":
		series := numbers(bound)
		return order >= 0 && slices.Equal(have[:len(series)-1], series[:len(series)-1])
	}
	return order >= 0
}

func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			n = 1 << 30 // more digits than a version has
		}
		out = append(out, n)
	}
	return out
}
