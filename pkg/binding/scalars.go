package binding

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// What each text of a number or an id looks like: the forms of
// sdk/python/src/fngen/runtime/bind/scalars.py.
const (
	blank  = `[ \t\n\r\f\v]*`
	digits = `[0-9]+(?:_[0-9]+)*`
	finite = `[+-]?(?:` + digits + `(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?`
)

var (
	intText     = regexp.MustCompile(`^` + blank + `([+-]?` + digits + `)(?:\.0+)?` + blank + `$`)
	floatText   = regexp.MustCompile(`^` + blank + `(?:` + finite + `|[+-]?(?i:inf(?:inity)?|nan))` + blank + `$`)
	decimalText = regexp.MustCompile(`^` + blank + finite + blank + `$`)
	uuidText    = regexp.MustCompile(`^(?:(?:urn:uuid:)?(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32})|\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\})$`)
)

// scalars say of each type of one piece whether a value fits.
var scalars = map[string]func(v any) bool{
	"none":      func(v any) bool { return v == nil },
	"bool":      fitsBool,
	"int":       fitsInt,
	"float":     fitsFloat,
	"str":       isString,
	"path":      isString,
	"bytes":     fitsBytes,
	"decimal":   func(v any) bool { return isNumber(v) || matches(decimalText, v) },
	"uuid":      func(v any) bool { return matches(uuidText, v) },
	"ipv4":      func(v any) bool { return fitsIP(v, 32, netip.Addr.Is4) },
	"ipv6":      func(v any) bool { return fitsIP(v, 128, netip.Addr.Is6) },
	"datetime":  fitsMoment,
	"date":      fitsDay,
	"time":      fitsClock,
	"timedelta": fitsSpan,
}

func isString(v any) bool { _, ok := v.(string); return ok }
func isNumber(v any) bool { _, ok := v.(json.Number); return ok }

func matches(form *regexp.Regexp, v any) bool {
	s, ok := v.(string)
	return ok && form.MatchString(s)
}

func fitsBool(v any) bool {
	switch v := v.(type) {
	case bool:
		return true
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return err == nil && (f == 0 || f == 1)
	case string:
		switch lowerASCII(v) {
		case "true", "yes", "on", "t", "y", "1", "false", "no", "off", "f", "n", "0":
			return true
		}
	}
	return false
}

// lowerASCII is s in small letters, or nothing where it has others than ASCII.
func lowerASCII(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r > 127 }) {
		return ""
	}
	return strings.ToLower(s)
}

func fitsInt(v any) bool {
	switch v := v.(type) {
	case bool:
		return true
	case json.Number:
		if isInteger(string(v)) {
			return true
		}
		f, err := strconv.ParseFloat(string(v), 64)
		return err == nil && f == math.Trunc(f)
	case string:
		found := intText.FindStringSubmatch(v)
		return found != nil && len(found[1]) <= maxDigits
	}
	return false
}

func fitsFloat(v any) bool {
	switch v := v.(type) {
	case bool:
		return true
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return err == nil && !math.IsInf(f, 0)
	case string:
		return floatText.MatchString(v)
	}
	return false
}

func fitsBytes(v any) bool {
	if isString(v) {
		return true
	}
	o, ok := v.(*object)
	if !ok || len(o.keys) != 1 {
		return false
	}
	s, ok := o.values["$b64"].(string)
	if !ok || strings.ContainsAny(s, "\r\n") { // Go skips them, Python does not
		return false
	}
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil
}

func fitsIP(v any, bits int, is func(netip.Addr) bool) bool {
	switch v := v.(type) {
	case json.Number:
		n, ok := new(big.Int).SetString(string(v), 10)
		return ok && n.Sign() >= 0 && n.BitLen() <= bits
	case string:
		a, err := netip.ParseAddr(v)
		return err == nil && is(a)
	}
	return false
}
