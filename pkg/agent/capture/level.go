package capture

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// near is how far into a line its level is looked for.
const near = 160

// names are what loggers of many languages call levels.
var names = map[string]string{
	"TRACE": Debug, "DEBUG": Debug, "VERBOSE": Debug, "INFO": Info, "NOTICE": Info, "SUCCESS": Info,
	"WARN": Warning, "WARNING": Warning, "ERR": Error, "ERROR": Error, "SEVERE": Error,
	"CRIT": Critical, "CRITICAL": Critical, "FATAL": Critical, "PANIC": Critical, "ALERT": Critical, "EMERG": Critical,
}

// rank orders them from the least.
var rank = map[string]int{Debug: 10, Info: 20, Warning: 30, Error: 40, Critical: 50}

// known is the level that a name means, or empty.
func known(name string) string { return names[strings.ToUpper(strings.TrimSpace(name))] }

// number is the level of Python's numbers, which bunyan and pino share.
func number(n float64) string {
	level := Debug
	for _, l := range []string{Info, Warning, Error, Critical} {
		if n >= float64(rank[l]) {
			level = l
		}
	}
	return level
}

var (
	escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")
	// shouted is a level in capitals: at the beginning, or after a time and the like, and
	// in any case set off from words.
	shouted = regexp.MustCompile(`(?:^|[\s\[(|:])(TRACE|DEBUG|VERBOSE|INFO|NOTICE|SUCCESS|WARN|WARNING|ERR|ERROR|SEVERE|CRIT|CRITICAL|FATAL|PANIC)(?:$|[\s\])|:,-])`)
	// set is a level in brackets or of a pair, in any case: [error], level=warn, Info:.
	set = regexp.MustCompile(`(?i)(?:^\W*"?(trace|debug|info|notice|warn|warning|err|error|crit|critical|fatal|panic)"?[\])]?:|[\[(](trace|debug|info|notice|warn|warning|err|error|crit|critical|fatal|panic)[\])]|\b(?:level|severity)="?(\w+))`)
	// warned is what Python's warnings print.
	warned = regexp.MustCompile(`^[^ ].*:\d+: \w*Warning: `)
	// raised is the line of an exception.
	raised = regexp.MustCompile(`^[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit)(?:: |$)`)
)

// hints are parts of all that tells a level, in lower case and by their first letter: a
// line without any tells none. Most lines are such, and looking for these takes a
// hundredth of the time of the expressions.
var hints = [256][]string{
	'c': {"crit"}, 'd': {"debug"}, 'e': {"err", "exception", "exit"}, 'f': {"fatal"}, 'i': {"info", "interrupt"}, 'l': {"level"},
	'n': {"notice"}, 'p': {"panic"}, 's': {"severe", "severity", "success"}, 't': {"trace"}, 'v': {"verbose"}, 'w': {"warn"},
}

// tells reports whether a line may tell its level.
func tells(head string) bool {
	for i := range len(head) {
		if head[i] >= utf8.RuneSelf { // some of them are taken for ASCII letters when case does not count
			return true
		}
		for _, hint := range hints[head[i]|0x20] {
			if len(head)-i >= len(hint) && head[i+1]|0x20 == hint[1] && strings.EqualFold(head[i:i+len(hint)], hint) {
				return true
			}
		}
	}
	return false
}

// guess finds out the level of a plain line.
func guess(line string) string {
	head := line[:min(len(line), near)]
	if !tells(head) && strings.IndexByte(head, 0x1b) < 0 {
		return Info
	}
	if strings.IndexByte(head, 0x1b) >= 0 {
		head = escapes.ReplaceAllString(head, "")
	}
	if warned.MatchString(head) {
		return Warning
	}
	if found := shouted.FindStringSubmatch(head); found != nil {
		return known(found[1])
	}
	if found := set.FindStringSubmatch(head); found != nil {
		if level := known(found[1] + found[2] + found[3]); level != "" {
			return level
		}
	}
	if strings.HasPrefix(head, "Traceback (most recent call last):") || raised.MatchString(head) {
		return Error
	}
	return Info
}

// readOwn reads a line of JSON that the person's own logger wrote, as far as there are
// names in it that loggers agree on.
func readOwn(e *Entry) bool {
	if !strings.HasPrefix(e.Message, "{") || !strings.HasSuffix(e.Message, "}") {
		return false
	}
	var line map[string]json.RawMessage
	if json.Unmarshal([]byte(e.Message), &line) != nil {
		return false
	}
	for _, name := range []string{"level", "levelname", "severity", "lvl", "log.level", "levelno"} {
		if level := levelOf(line[name]); level != "" {
			e.Level = level
			break
		}
	}
	for name, to := range map[string]*string{"request_id": &e.RequestID, "task_id": &e.TaskID} {
		var id string
		if *to == "" && json.Unmarshal(line[name], &id) == nil && ValidID(id) {
			*to = id
		}
	}
	return true
}

func levelOf(value json.RawMessage) string {
	if len(value) == 0 {
		return ""
	}
	if n, err := strconv.ParseFloat(string(value), 64); err == nil {
		return number(n)
	}
	var name string
	if json.Unmarshal(value, &name) != nil {
		return ""
	}
	return known(name)
}

var id = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// ValidID says whether a text can be the id of a request or a task.
func ValidID(s string) bool { return id.MatchString(s) }
