package binding

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The forms of sdk/python/src/fngen/runtime/bind/times.py.
const (
	dateForm  = `([0-9]{4})-([0-9]{2})-([0-9]{2})`
	timeForm  = `([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?`
	zoneForm  = `([zZ]|[+-][0-9]{2}:?[0-9]{2})?`
	longest   = 86399999913600
	firstUnix = -62135596800
	lastUnix  = 253402300799
)

var (
	dateText      = regexp.MustCompile(`^` + dateForm + `$`)
	timeText      = regexp.MustCompile(`^` + timeForm + zoneForm + `$`)
	momentText    = regexp.MustCompile(`^` + dateForm + `[Tt _]` + timeForm + zoneForm + `$`)
	unixText      = regexp.MustCompile(`^[+-]?[0-9]{1,15}(?:\.[0-9]{1,9})?$`)
	isoSpanText   = regexp.MustCompile(`^[+-]?P(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})(?:[.,]([0-9]{1,9}))?S)?)?$`)
	clockSpanText = regexp.MustCompile(`^[+-]?(?:([0-9]{1,9}) ?(?:days?|d),? ?)?([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?$`)
)

func fitsMoment(v any) bool {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return err == nil && fitsUnix(f)
	case string:
		if m := momentText.FindStringSubmatch(v); m != nil {
			return isDate(m[1:4]) && isTime(m[4:7]) && isZone(m[8])
		}
		if m := dateText.FindStringSubmatch(v); m != nil {
			return isDate(m[1:4])
		}
		f, err := strconv.ParseFloat(v, 64)
		return unixText.MatchString(v) && err == nil && fitsUnix(f)
	}
	return false
}

func fitsUnix(f float64) bool {
	if f > 2e10 || f < -2e10 {
		f /= 1000
	}
	return firstUnix <= f && f <= lastUnix
}

func fitsDay(v any) bool {
	if !fitsMoment(v) {
		return false
	}
	if s, ok := v.(string); ok {
		if dateText.MatchString(s) {
			return true
		}
		if m := momentText.FindStringSubmatch(s); m != nil {
			return m[4] == "00" && m[5] == "00" && number0(m[6]) == 0 && number0(micro(m[7])) == 0
		}
		f, _ := strconv.ParseFloat(s, 64)
		return isMidnight(f)
	}
	f, _ := v.(json.Number).Float64()
	return isMidnight(f)
}

// isMidnight rounds to microseconds, as the worker does.
func isMidnight(f float64) bool {
	if f > 2e10 || f < -2e10 {
		f /= 1000
	}
	return roundEven(f*1e6)%86400e6 == 0
}

func fitsClock(v any) bool {
	if s, ok := v.(string); ok {
		m := timeText.FindStringSubmatch(s)
		return m != nil && isTime(m[1:4]) && isZone(m[5])
	}
	n, ok := v.(json.Number)
	f, err := n.Float64()
	return ok && err == nil && f >= 0 && f < 86400
}

func fitsSpan(v any) bool {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return err == nil && f < longest && f > -longest
	case string:
		if m := isoSpanText.FindStringSubmatch(v); m != nil && !strings.HasSuffix(v, "P") && !strings.HasSuffix(v, "T") {
			return ((number0(m[1])*7+number0(m[2]))*86400 + number0(m[3])*3600 + number0(m[4])*60 + number0(m[5])) < longest
		}
		m := clockSpanText.FindStringSubmatch(v)
		return m != nil && number0(m[2]) < 24 && number0(m[3]) < 60 && number0(m[4]) < 60 && number0(m[1])*86400+number0(m[2])*3600+number0(m[3])*60+number0(m[4]) < longest
	}
	return false
}

func isDate(part []string) bool {
	year, month, day := number0(part[0]), number0(part[1]), number0(part[2])
	if year < 1 || month < 1 || month > 12 || day < 1 {
		return false
	}
	return time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC).Day() == int(day)
}

func isTime(part []string) bool {
	return number0(part[0]) < 24 && number0(part[1]) < 60 && number0(part[2]) < 60
}

func isZone(s string) bool {
	if s == "" || s == "z" || s == "Z" {
		return true
	}
	return number0(s[1:3]) < 24 && number0(s[len(s)-2:]) < 60
}

// micro is a fraction of a second in microseconds.
func micro(part string) string { return (part + "000000")[:6] }

// number0 reads digits; none are 0.
func number0(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // digits only, few enough
	return n
}

func roundEven(f float64) int64 { return int64(math.RoundToEven(f)) }
