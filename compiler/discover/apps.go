package discover

import "strings"

// app notes "NAME = FastAPI(...)" and its like, so that a project without Powers
// can be told what to add.
func (s *scanner) app(name token, value []token) {
	dotted, rest := s.dotted(value)
	if dotted == "" || len(rest) < 2 || !s.is(rest[0], "(") || s.closing(rest, 0) != len(rest)-1 {
		return
	}
	framework := ""
	switch dotted[strings.LastIndexByte(dotted, '.')+1:] {
	case "FastAPI":
		framework = "fastapi"
	case "Flask":
		framework = "flask"
	case "get_asgi_application", "get_wsgi_application":
		framework = "django"
	default:
		return
	}
	s.out.Apps = append(s.out.Apps, App{Name: s.name(name), Framework: framework, Place: s.placeOf(name)})
}
