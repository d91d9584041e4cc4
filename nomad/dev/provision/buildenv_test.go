package provision

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTranslate(t *testing.T) {
	for name, c := range map[string]struct {
		env, pip map[string]string
		want     Settings
	}{
		"nothing": {want: Settings{UV: map[string]string{}}},
		"mirror with credentials": {
			pip:  map[string]string{"index-url": "https://u:p@mirror.example/simple", "timeout": "60"},
			want: Settings{UV: map[string]string{"UV_DEFAULT_INDEX": "https://u:p@mirror.example/simple", "UV_HTTP_TIMEOUT": "60"}},
		},
		"extra indexes": {
			pip: map[string]string{"extra-index-url": "https://a.example/s\nhttps://b.example/s"},
			want: Settings{UV: map[string]string{
				"UV_INDEX": "https://a.example/s https://b.example/s", "UV_INDEX_STRATEGY": "unsafe-best-match",
			}},
		},
		"uv's own settings win": {
			env:  map[string]string{"UV_DEFAULT_INDEX": "https://uv.example/s", "UV_INDEX_CORP_PASSWORD": "x", "UV_CACHE_DIR": "/c"},
			pip:  map[string]string{"index-url": "https://pip.example/s"},
			want: Settings{UV: map[string]string{"UV_DEFAULT_INDEX": "https://uv.example/s", "UV_INDEX_CORP_PASSWORD": "x"}},
		},
		"trust and proxies": {
			env: map[string]string{"REQUESTS_CA_BUNDLE": "/r.pem", "https_proxy": "http://proxy:3128", "NO_PROXY": "localhost"},
			pip: map[string]string{"cert": "/p.pem", "trusted-host": "a.example  b.example:8443"},
			want: Settings{CA: "/p.pem", UV: map[string]string{
				"https_proxy": "http://proxy:3128", "NO_PROXY": "localhost", "UV_INSECURE_HOST": "a.example b.example:8443",
			}},
		},
		"the bundle of the environment is first": {
			env:  map[string]string{"SSL_CERT_FILE": "/s.pem"},
			pip:  map[string]string{"cert": "/p.pem"},
			want: Settings{CA: "/s.pem", UV: map[string]string{}},
		},
		"git servers of one's own": {
			env:  map[string]string{"FNGEN_GIT_HOSTS": "git.example,git2.example", "FNGEN_GIT_CA": "/git.pem"},
			want: Settings{GitCA: "/git.pem", UV: map[string]string{"FNGEN_GIT_HOSTS": "git.example,git2.example"}},
		},
		"offline wheels": {
			pip: map[string]string{"no-index": "true", "find-links": "/srv/wheels https://w.example/all.html file:///opt/w"},
			want: Settings{FindLinks: []string{"/srv/wheels", "/opt/w"}, UV: map[string]string{
				"UV_NO_INDEX": "1", "UV_FIND_LINKS": "https://w.example/all.html",
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Translate(c.env, c.pip)); diff != "" {
				t.Errorf("Translate differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePipConfig(t *testing.T) {
	const out = `:env:.find-links='/opt/wheels'
global.cert='/etc/ssl/ca.pem'
global.extra-index-url='\nhttps://a.example\nhttps://b.example'
global.index-url='https://global.example'
global.timeout='10'
install.index-url="https://install.example"
install.find-links='/other'
list.format='json'
`
	want := map[string]string{
		"find-links": "/opt/wheels", "cert": "/etc/ssl/ca.pem", "timeout": "10",
		"extra-index-url": "\nhttps://a.example\nhttps://b.example", "index-url": "https://install.example",
	}
	if diff := cmp.Diff(want, parsePipConfig(out)); diff != "" {
		t.Errorf("parsePipConfig differs (-want +got):\n%s", diff)
	}
}
