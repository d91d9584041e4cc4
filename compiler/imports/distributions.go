package imports

import (
	"strings"

	"fngen.dev/fngen/compiler/config/dependencies"
)

// distributions are the packages that bring modules of another name, as they are
// called in a requirement. It is the one place for it; whatever is not here is
// taken for a package of the module's own name.
var distributions = map[string]string{
	"Crypto": "pycryptodome", "Cryptodome": "pycryptodomex", "Levenshtein": "python-Levenshtein", "MySQLdb": "mysqlclient", "OpenSSL": "pyOpenSSL",
	"PIL": "Pillow", "Xlib": "python-xlib", "_cffi_backend": "cffi", "_pytest": "pytest", "_yaml": "PyYAML",
	"absl": "absl-py", "allauth": "django-allauth", "apiclient": "google-api-python-client", "arango": "python-arango", "attr": "attrs",
	"auth0": "auth0-python", "axes": "django-axes", "barcode": "python-barcode", "bidi": "python-bidi", "bootstrap4": "django-bootstrap4",
	"bootstrap5": "django-bootstrap5", "bs4": "beautifulsoup4", "bson": "pymongo", "ckeditor": "django-ckeditor", "compressor": "django-compressor",
	"consul": "python-consul", "constance": "django-constance", "corsheaders": "django-cors-headers",
	"crispy_forms": "django-crispy-forms", "crontab": "python-crontab", "cv2": "opencv-python",
	"dateutil": "python-dateutil", "debug_toolbar": "django-debug-toolbar",
	"decouple": "python-decouple", "digitalocean": "python-digitalocean", "discord": "discord.py",
	"django_filters": "django-filter",
	"dns":            "dnspython", "docx": "python-docx", "dotenv": "python-dotenv",
	"engineio": "python-engineio", "environ": "django-environ", "factory": "factory-boy", "fasthtml": "python-fasthtml",
	"ffmpeg": "ffmpeg-python", "frontmatter": "python-frontmatter", "fitz": "PyMuPDF", "flask_admin": "Flask-Admin", "flask_bcrypt": "Flask-Bcrypt", "flask_caching": "Flask-Caching",
	"flask_cors": "Flask-Cors", "flask_jwt_extended": "Flask-JWT-Extended", "flask_limiter": "Flask-Limiter", "flask_login": "Flask-Login",
	"flask_mail": "Flask-Mail", "flask_migrate": "Flask-Migrate", "flask_restful": "Flask-RESTful",
	"flask_session": "Flask-Session", "flask_socketio": "Flask-SocketIO", "flask_sqlalchemy": "Flask-SQLAlchemy",
	"flask_wtf": "Flask-WTF", "git": "GitPython", "github": "PyGithub", "gitlab": "python-gitlab", "googleapiclient": "google-api-python-client",
	"grpc": "grpcio", "grpc_status": "grpcio-status", "grpc_tools": "grpcio-tools", "guardian": "django-guardian", "haystack": "django-haystack",
	"hcl2": "python-hcl2", "health_check": "django-health-check", "igraph": "python-igraph", "imblearn": "imbalanced-learn",
	"import_export": "django-import-export", "jenkins": "python-jenkins", "jose": "python-jose", "jwt": "PyJWT", "kafka": "kafka-python",
	"keycloak": "python-keycloak", "ldap": "python-ldap", "magic": "python-magic",
	"markdown": "Markdown", "markupsafe": "MarkupSafe", "memcache": "python-memcached", "model_utils": "django-model-utils", "modelcluster": "django-modelcluster",
	"mptt": "django-mptt", "multipart": "python-multipart", "mysql": "mysql-connector-python", "nacl": "PyNaCl",
	"oauth2_provider": "django-oauth-toolkit", "odf": "odfpy", "openid": "python3-openid", "osgeo": "GDAL",
	"paho": "paho-mqtt", "pkg_resources": "setuptools", "playhouse": "peewee", "pptx": "python-pptx",
	"psycopg2": "psycopg2-binary", "pylab": "matplotlib", "pymysql": "PyMySQL",
	"pythonjsonlogger": "python-json-logger", "pyximport": "Cython", "rest_framework": "djangorestframework",
	"rest_framework_simplejwt": "djangorestframework-simplejwt", "reversion": "django-reversion", "ruamel": "ruamel.yaml",
	"sass": "libsass", "serial": "pyserial",
	"skimage": "scikit-image", "sklearn": "scikit-learn", "slack": "slackclient", "slugify": "python-slugify",
	"snowflake": "snowflake-connector-python", "social_django": "social-auth-app-django", "socketio": "python-socketio", "socks": "PySocks",
	"solr": "pysolr", "sorl": "sorl-thumbnail", "sql_server": "mssql-django", "storages": "django-storages", "taggit": "django-taggit",
	"tastypie": "django-tastypie", "telegram": "python-telegram-bot", "tlz": "toolz", "treebeard": "django-treebeard",
	"twitter": "python-twitter", "usb": "pyusb", "vlc": "python-vlc",
	"webpack_loader": "django-webpack-loader", "websocket": "websocket-client", "werkzeug": "Werkzeug", "whois": "python-whois",
	"win32api": "pywin32", "win32com": "pywin32", "win32con": "pywin32", "wtforms": "WTForms", "xdist": "pytest-xdist", "yaml": "PyYAML", "zmq": "pyzmq",

	"google.api_core": "google-api-core", "google.auth": "google-auth", "google.genai": "google-genai", "google.generativeai": "google-generativeai",
	"google.oauth2": "google-auth", "google.protobuf": "protobuf", "google.rpc": "googleapis-common-protos",
}

// Distribution is what to install for a module, by its dotted name.
func Distribution(module string) string {
	for name := module; ; {
		if found, ok := distributions[name]; ok {
			return found
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			break
		}
		name = name[:i]
	}
	parts := strings.Split(module, ".")
	switch parts[0] {
	case "google", "azure": // packages that are named after the whole path
		return strings.ReplaceAll(strings.Join(parts[:min(len(parts), 3)], "-"), "_", "-")
	}
	return strings.ReplaceAll(parts[0], "_", "-")
}

// HowToAdd is an instruction that adds a package to what a tree installs: files
// are those that say it, the first of them first; provided is what the platform adds
// to a tree without any.
func HowToAdd(distribution string, files, provided []string) string {
	if len(files) == 0 {
		names := []string{}
		for _, requirement := range provided {
			name, _, _ := strings.Cut(requirement, "==")
			names = append(names, name)
		}
		return "write a requirements.txt with a line for each: " + strings.Join(append(names, distribution), ", ")
	}
	if command := dependencies.HowToAdd(files[0]); command != "" {
		return "run `" + command + " " + distribution + "`"
	}
	return "add " + distribution + " to " + files[0]
}
