package discover

import (
	"slices"
	"strings"

	"fngen.dev/fngen/compiler/python"
)

// The libraries that read environment variables, by what an object of theirs is
// made with. defaultAt is the position of the default among the arguments of a
// call of the object itself, methodDefaultAt that of its methods.
type readerLibrary struct {
	defaultAt, methodDefaultAt int
	methods                    []string
}

var readerLibraries = map[string]readerLibrary{
	"decouple.config": {defaultAt: 1},
	"environs.Env()": {1, 1, []string{"bool", "date", "datetime", "decimal", "dict", "dj_cache_url", "dj_db_url", "dj_email_url", "enum",
		"float", "int", "json", "list", "log_level", "path", "str", "time", "timedelta", "url", "uuid"}},
	"environ.Env()": {2, 1, []string{"bool", "bytes", "cache", "cache_url", "channels", "channels_url", "db", "db_url", "dict", "email", "email_url", "float", "int",
		"json", "list", "path", "search_url", "str", "tuple", "unicode", "url"}},
	"starlette.config.Config()": {defaultAt: 2},
}

// readerMakers are calls that give such an object.
var readerMakers = map[string]string{
	"decouple.Config": "decouple.config", "decouple.AutoConfig": "decouple.config", "environs.Env": "environs.Env()", "environs.FileAwareEnv": "environs.Env()",
	"environ.Env": "environ.Env()", "environ.FileAwareEnv": "environ.Env()", "starlette.config.Config": "starlette.config.Config()",
}

// impliedNames are what methods of django-environ read when no name is given.
var impliedNames = map[string]string{
	"db": "DATABASE_URL", "db_url": "DATABASE_URL", "cache": "CACHE_URL", "cache_url": "CACHE_URL", "email": "EMAIL_URL", "email_url": "EMAIL_URL",
}

// reader splits the path of a call into a known object and its method.
func (s *scanner) reader(full string) (base, method string, ok bool) {
	if strings.HasPrefix(full, "os.") {
		return "os", full, full == "os.getenv" || slices.Contains([]string{"get", "pop", "setdefault"}, strings.TrimPrefix(full, "os.environ."))
	}
	full = strings.Replace(full, "environs.env", "environs.Env()", 1) // one that the library makes
	for base, lib := range readerLibraries {
		if full == base {
			return base, "", true
		}
		if method, is := strings.CutPrefix(full, base+"."); is && slices.Contains(lib.methods, method) {
			return base, method, true
		}
	}
	return "", "", false
}

// read notes the variable of one call; at is its bracket.
func (s *scanner) read(base, method string, at python.Token, args [][]python.Token) {
	if base != "os" && s.prefixed {
		return
	}
	if len(args) == 0 || len(args[0]) != 1 || args[0][0].Kind != python.String {
		if name := impliedNames[method]; base == "environ.Env()" && name != "" && (len(args) == 0 || s.isKeyword(args[0])) {
			s.implied(name, at, s.kindOf(base, method, args))
		}
		return
	}
	name := args[0][0]
	kind := s.kindOf(base, method, args)
	if kind == Preset && len(args) > 1 {
		s.djangoSettings(name, args[1])
	}
	if text, _ := python.Unquote(string(s.text(name))); kind == Required && slices.Contains(s.schemed, text) {
		kind = Optional
	}
	s.env(name, kind)
}

// implied notes a variable that is not named in the code.
func (s *scanner) implied(name string, at python.Token, kind EnvKind) {
	if len(s.out.Env) < maxEnv && !slices.Contains(s.schemed, name) {
		s.out.Env = append(s.out.Env, EnvRead{name, s.placeOf(at), kind})
	}
}

func (s *scanner) isKeyword(arg []python.Token) bool {
	return len(arg) > 2 && arg[0].Kind == python.Name && s.is(arg[1], "=")
}

// kindOf says what a call does without the variable.
func (s *scanner) kindOf(base, method string, args [][]python.Token) EnvKind {
	position := 1
	switch {
	case method == "os.environ.setdefault":
		return Preset
	case method == "os.environ.get" || method == "os.getenv" || s.guarded():
		return Optional
	case base != "os" && method == "":
		position = readerLibraries[base].defaultAt
	case base != "os":
		position = readerLibraries[base].methodDefaultAt
	}
	for i, arg := range args {
		if s.isKeyword(arg) {
			if s.is(arg[0], "default") {
				return Optional
			}
		} else if i == position || s.is(arg[0], "**") {
			return Optional
		}
	}
	return Required
}

// maker binds NAME = Env(...) to the object that it makes. The defaults that
// django-environ takes there count for every read.
func (s *scanner) maker(value []python.Token) string {
	if !s.reads {
		return ""
	}
	dotted, rest := s.dotted(value)
	object := readerMakers[s.resolve(dotted)]
	if object == "" || len(rest) < 2 || !s.is(rest[0], "(") || python.Closing(rest, 0) != len(rest)-1 {
		return ""
	}
	for _, arg := range s.commas(rest[1 : len(rest)-1]) {
		if object != "environ.Env()" || !s.isKeyword(arg) {
			continue
		}
		s.schemed = append(s.schemed, s.name(arg[0]))
		if len(s.out.Env) < maxEnv {
			s.out.Env = append(s.out.Env, EnvRead{s.name(arg[0]), s.placeOf(arg[0]), Optional})
		}
	}
	return object
}
